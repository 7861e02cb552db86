#include "pieces.h"

#include <stdbool.h>

/* As they appear, in a box of 4, 2 or 3 cells. */
static const int8_t APPEARING[][CELLS_OF_A_PIECE][2] = {
    [I] = {{0, 2}, {1, 2}, {2, 2}, {3, 2}}, [J] = {{0, 2}, {0, 1}, {1, 1}, {2, 1}},
    [L] = {{2, 2}, {0, 1}, {1, 1}, {2, 1}}, [O] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}},
    [S] = {{1, 2}, {2, 2}, {0, 1}, {1, 1}}, [T] = {{1, 2}, {0, 1}, {1, 1}, {2, 1}},
    [Z] = {{0, 2}, {1, 2}, {1, 1}, {2, 1}},
};

static int8_t box(uint8_t kind) { return kind == I ? 4 : kind == O ? 2 : 3; }

struct cell piece_cell(struct piece piece, uint32_t i) {
    int8_t x = APPEARING[piece.kind][i][0], y = APPEARING[piece.kind][i][1];
    for (uint8_t turn = 0; turn < piece.turn; turn++) {
        int8_t left = x;
        x = y;
        y = (int8_t)(box(piece.kind) - 1 - left);
    }
    return (struct cell){(int8_t)(piece.x + x), (int8_t)(piece.y + y)};
}

/* The places that are tried for a clockwise turn out of each state. A turn back tries those of the turn that it takes
 * back, negated: so the guideline's sixteen rows are these eight. */
static const int8_t KICKS_OF_MOST[4][KICKS][2] = {
    {{0, 0}, {-1, 0}, {-1, 1}, {0, -2}, {-1, -2}},
    {{0, 0}, {1, 0}, {1, -1}, {0, 2}, {1, 2}},
    {{0, 0}, {1, 0}, {1, 1}, {0, -2}, {1, -2}},
    {{0, 0}, {-1, 0}, {-1, -1}, {0, 2}, {-1, 2}},
};
static const int8_t KICKS_OF_I[4][KICKS][2] = {
    {{0, 0}, {-2, 0}, {1, 0}, {-2, -1}, {1, 2}},
    {{0, 0}, {-1, 0}, {2, 0}, {-1, 2}, {2, -1}},
    {{0, 0}, {2, 0}, {-1, 0}, {2, 1}, {-1, -2}},
    {{0, 0}, {1, 0}, {-2, 0}, {1, -2}, {-2, 1}},
};

struct piece piece_turned(struct piece piece, uint8_t turn, uint32_t kick) {
    bool clockwise = turn == (piece.turn + 1) % 4;
    const int8_t(*kicks)[2] = (piece.kind == I ? KICKS_OF_I : KICKS_OF_MOST)[clockwise ? piece.turn : turn];
    int32_t sign = clockwise ? 1 : -1;
    piece.x = (int8_t)(piece.x + sign * kicks[kick][0]);
    piece.y = (int8_t)(piece.y + sign * kicks[kick][1]);
    piece.turn = turn;
    return piece;
}
