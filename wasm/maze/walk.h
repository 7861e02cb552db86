/* A walk through a maze, from the lower left to the upper right corner, by keys:
 *
 *     w a s d   a step            W A S D   a run, to the next fork, corner or dead end
 *     ?         shows the way from here */
#ifndef WALK_H
#define WALK_H

#include "maze.h"

enum mark { UNSEEN = 0, SEEN = 1, TRAIL = 2, WAY = 4 };

struct walk {
    struct maze *maze;
    uint32_t cell, steps;
    bool looks; /* around, in a fog; else nothing is marked SEEN */
    uint8_t marks[MOST_CELLS]; /* enum mark */
};

void walk_start(struct walk *walk, struct maze *maze, bool looks);

/* Whether a character is a key of the walk. */
bool walk_has_key(uint32_t codepoint);

/* Walks by one key. At the goal keys change nothing. */
void walk_key(struct walk *walk, uint32_t key);

bool walk_is_over(const struct walk *walk);

#endif
