/* Ways to make a perfect maze: spanning trees of the grid, each by its textbook algorithm. A maze comes with its size and
 * with all walls. */
#ifndef GENERATORS_H
#define GENERATORS_H

#include "maze.h"

/* Recursive backtracker: a depth-first search that goes to a random neighbour not yet visited, and back when stuck. */
void backtracker(struct maze *maze, struct random *random);

/* Randomised Prim's: of all walls around the maze so far a random one; it falls if what is behind is not yet reached. */
void prim(struct maze *maze, struct random *random);

/* Randomised Kruskal's: all walls in random order; each falls that stands between parts not yet joined. */
void kruskal(struct maze *maze, struct random *random);

/* Wilson's (1996): random walks to the maze so far, their loops erased. Every maze is as likely as any other. */
void wilson(struct maze *maze, struct random *random);

/* Eller's: row by row, remembering only which cells of the row are joined so far. */
void eller(struct maze *maze, struct random *random);

#endif
