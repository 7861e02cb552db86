/* Exports for `fontgen verify` and the tests, which ask a finished font how a game stands. HarfBuzz never calls these,
 * and nothing here is needed to shape. */
#include "game.h"
#include "harfbuzz.h"

static struct game game;

void EXPORT(inspect_start)(uint64_t seed, uint32_t level, uint32_t goal) {
    game_start(&game, seed, (struct rules){level, goal});
}

void EXPORT(inspect_play)(uint32_t key) { game_play(&game, key); }

/* A position that no game need have led to: bit x of `filled` is a cell of the row. */
void EXPORT(inspect_fill)(uint32_t row, uint32_t filled) {
    for (uint32_t x = 0; x < COLUMNS; x++) game.cells[row][x] = filled >> x & 1 ? J : EMPTY;
}

void EXPORT(inspect_place)(uint32_t kind, uint32_t turn, int32_t x, int32_t y) {
    game.piece = (struct piece){(uint8_t)kind, (uint8_t)turn, (int8_t)x, (int8_t)y};
    game.lowest = (int8_t)y;
}

/* The whole state as numbers, in the order of STATE in fontgen/pictures/tetromino/rules.py. */
const int32_t *EXPORT(inspect_state)(void) {
    static int32_t state[ROWS * COLUMNS + 32];
    uint32_t n = 0;
    for (uint32_t y = 0; y < ROWS; y++)
        for (uint32_t x = 0; x < COLUMNS; x++) state[n++] = game.cells[y][x];
    const int32_t rest[] = {
        game.piece.kind, game.piece.turn, game.piece.x, game.piece.y, game.held, game.hold_used, game.outcome,
        (int32_t)game.score, (int32_t)game.lines, (int32_t)game.level, (int32_t)game.keys, game.combo,
        game.back_to_back, game.clear.lines, game.clear.spin, game.clear.all, game.clear.back_to_back, game.ticks,
        game.lock_delay, game.lowest, game.spin,
    };
    for (uint32_t i = 0; i < sizeof rest / sizeof *rest; i++) state[n++] = rest[i];
    for (uint32_t i = 0; i < 7; i++) state[n++] = game.queue[game.next + i];
    return state;
}
