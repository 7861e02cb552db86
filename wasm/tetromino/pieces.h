/* The seven tetrominoes and how they turn: the Super Rotation System of the guideline, with its kicks. */
#ifndef PIECES_H
#define PIECES_H

#include <stdint.h>

enum kind { EMPTY, I, J, L, O, S, T, Z };

#define CELLS_OF_A_PIECE 4
#define KICKS 5

struct piece {
    uint8_t kind, turn; /* enum kind; quarter turns clockwise from how it appears */
    int8_t x, y;        /* lower left corner of its box, y upwards */
};

struct cell {
    int8_t x, y;
};

/* Where one of a piece's four cells is in the well. */
struct cell piece_cell(struct piece piece, uint32_t i);

/* Where a piece is after a quarter turn and the kick of that number, 0 to KICKS - 1; 0 is no kick. */
struct piece piece_turned(struct piece piece, uint8_t turn, uint32_t kick);

#endif
