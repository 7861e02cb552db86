/* Perfect mazes: between any two cells there is exactly one way. The same seed gives the same maze everywhere.
 * fontgen/pictures/maze/rules.py tells the same algorithms again. */
#ifndef MAZE_H
#define MAZE_H

#include <stdbool.h>
#include <stdint.h>

#include "random.h"

#define MOST_COLUMNS 64
#define MOST_ROWS 48
#define MOST_CELLS (MOST_COLUMNS * MOST_ROWS)
#define NO_CELL 0xFFFFFFFFu

enum method { BACKTRACKER, PRIM, KRUSKAL, WILSON, ELLER, METHODS };
enum direction { UP, RIGHT, DOWN, LEFT, DIRECTIONS };

struct maze {
    uint32_t columns, rows;
    uint8_t open[MOST_CELLS]; /* bit d: no wall in direction d; cells row by row, the lowest first */
    uint32_t solved_for;      /* what maze_solve() has answered last, or NO_CELL */
};

/* The cell in a direction, walls or not; NO_CELL beyond the border. */
uint32_t maze_neighbour(const struct maze *maze, uint32_t cell, enum direction direction);

/* Takes away the wall between a cell and its neighbour. */
void maze_join(struct maze *maze, uint32_t cell, enum direction direction);

void maze_make(struct maze *maze, uint32_t columns, uint32_t rows, enum method method, struct random random);

/* The cell in a direction, or the same cell where a wall is. */
uint32_t maze_step(const struct maze *maze, uint32_t cell, enum direction direction);

/* For each cell the direction of a shortest way to `goal` (breadth-first search from there); of one maze at a time. */
const uint8_t *maze_solve(struct maze *maze, uint32_t goal);

#endif
