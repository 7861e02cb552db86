/* Exports for `fontgen verify` and the tests, which ask a finished font for its positions and moves. HarfBuzz never calls
 * these, and nothing here is needed to shape. */
#include "notation.h"

static struct position position;

/* Code points in memory from malloc(), as a scan. */
__attribute__((noinline)) static struct scan scan_of(const uint32_t *codepoints, uint32_t n) {
    static struct glyph_info info[512];
    for (uint32_t i = 0; i < n && i < 512; i++) info[i] = (struct glyph_info){.codepoint = codepoints[i]};
    return (struct scan){info, n < 512 ? n : 512, 0};
}

/* Sets a position by its FEN; 1 or 0. With no text it is the first position of a game. */
int32_t EXPORT(inspect_fen)(const uint32_t *codepoints, uint32_t n) {
    struct scan text = scan_of(codepoints, n);
    if (!n) return position_start(&position), 1;
    return scan_fen(&text, &position) && text.at == text.length;
}

/* Plays a move by its SAN; enum reading. */
int32_t EXPORT(inspect_move)(const uint32_t *codepoints, uint32_t n) {
    struct scan text = scan_of(codepoints, n);
    struct move move;
    enum reading reading = scan_move(&text, &position, &move);
    if (reading == LEGAL) position_play(&position, move);
    return reading;
}

/* The position as numbers: 64 squares from a1 to h8, to_move, castling, en_passant (a square's number from 0 to 63, or
 * -1), halfmoves, fullmove, and whether there is check, a legal move, a dead position. */
const int32_t *EXPORT(inspect_position)(void) {
    static int32_t state[72];
    uint32_t n = 0, square = position.en_passant;
    for (uint32_t i = 0; i < 64; i++) state[n++] = position.board[SQUARE(i % 8, i / 8)];
    const int32_t rest[] = {
        position.to_move, position.castling,
        square == NO_SQUARE ? -1 : (int32_t)(8 * RANK_OF(square) + FILE_OF(square)), (int32_t)position.halfmoves,
        (int32_t)position.fullmove, position_is_check(&position), position_has_move(&position),
        position_is_dead(&position),
    };
    for (uint32_t i = 0; i < sizeof rest / sizeof *rest; i++) state[n++] = rest[i];
    return state;
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
