/* A chess position and its legal moves. fontgen/pictures/chess/rules.py tells the same rules again. */
#ifndef POSITION_H
#define POSITION_H

#include <stdbool.h>
#include <stdint.h>

enum kind { NOTHING, PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING };
enum { WHITE = 0, BLACK = 8 }; /* a piece is a kind and a colour */
enum castling { WHITE_SHORT = 1, WHITE_LONG = 2, BLACK_SHORT = 4, BLACK_LONG = 8 };

/* Squares are numbered 16 * rank + file (0x88): whatever has one of these bits is beyond the border. */
#define SQUARES 128
#define BEYOND 0x88
#define NO_SQUARE 0xFF
#define SQUARE(file, rank) (16 * (rank) + (file))
#define FILE_OF(square) ((square) & 7)
#define RANK_OF(square) ((square) >> 4)

struct move {
    uint8_t from, to, promotion; /* enum kind, or NOTHING */
};

#define MOST_MOVES 256 /* no position is known with more than 218 */

struct position {
    uint8_t board[SQUARES];
    uint8_t to_move;              /* WHITE or BLACK */
    uint8_t castling;             /* enum castling */
    uint8_t en_passant;           /* behind a pawn that has just gone two squares, or NO_SQUARE */
    uint8_t kings[2];             /* of white and black */
    uint32_t halfmoves, fullmove; /* since a capture or a pawn's move; of the game, from 1 */
};

static inline uint8_t kind_of(uint8_t piece) { return piece & 7; }
static inline uint8_t colour_of(uint8_t piece) { return piece & BLACK; }

void position_start(struct position *position);

/* Whether a position is possible: a king each, no pawn on the first or last rank, who is not to move not in check.
 * Takes away rights to castle and en passant that cannot be. */
bool position_settle(struct position *position);

bool position_is_check(const struct position *position);

/* The legal moves of one kind of piece, or of all with NOTHING, to one square, or to all with NO_SQUARE; `moves` has room
 * for MOST_MOVES. */
uint32_t position_moves(const struct position *position, uint8_t kind, uint8_t to, struct move *moves);

bool position_has_move(const struct position *position);

/* Neither side has what could ever mate: kings alone, with one knight or bishop, or with bishops on one colour. */
bool position_is_dead(const struct position *position);

void position_play(struct position *position, struct move move);

#endif
