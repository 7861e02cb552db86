/* Exports for `fontgen verify` and the tests, which ask a finished font for its positions and moves. HarfBuzz never calls
 * these, and nothing here is needed to shape. */
#include "notation.h"

static struct position position;

/* Sets a position by its FEN, given as a text of HarfBuzz's; 1 or 0. With no text it is the first position of a game. */
int32_t EXPORT(inspect_fen)(const struct glyph_info *info, uint32_t n) {
    struct scan text = {info, n, 0};
    if (!n) return position_start(&position), 1;
    return scan_fen(&text, &position) && text.at == n;
}

/* Plays a move by its SAN; enum reading. */
int32_t EXPORT(inspect_move)(const struct glyph_info *info, uint32_t n) {
    struct scan text = {info, n, 0};
    struct move move;
    enum reading reading = scan_move(&text, &position, &move);
    if (reading == LEGAL) position_play(&position, move);
    return reading;
}

const struct position *EXPORT(inspect_position)(void) { return &position; }

/* Bits from the lowest on: whether there is check, a legal move, a dead position. */
uint32_t EXPORT(inspect_state)(void) {
    return position_is_check(&position) | position_has_move(&position) << 1 | position_is_dead(&position) << 2;
}

static uint64_t perft(const struct position *from, uint32_t depth) {
    struct move moves[MOST_MOVES];
    uint32_t n = position_moves(from, NOTHING, NO_SQUARE, moves);
    uint64_t leaves = 0;
    if (depth <= 1) return depth ? n : 1;
    for (uint32_t i = 0; i < n; i++) {
        struct position after = *from;
        position_play(&after, moves[i]);
        leaves += perft(&after, depth - 1);
    }
    return leaves;
}

/* How many games of so many moves go on from the position. */
uint64_t EXPORT(inspect_perft)(uint32_t depth) { return perft(&position, depth); }
