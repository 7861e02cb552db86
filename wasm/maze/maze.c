#include "maze.h"

#include "generators.h"
#include "memory.h"

uint32_t maze_neighbour(const struct maze *maze, uint32_t cell, enum direction direction) {
    uint32_t x = cell % maze->columns, y = cell / maze->columns;
    switch (direction) {
    case UP: return y + 1 < maze->rows ? cell + maze->columns : NO_CELL;
    case RIGHT: return x + 1 < maze->columns ? cell + 1 : NO_CELL;
    case DOWN: return y > 0 ? cell - maze->columns : NO_CELL;
    default: return x > 0 ? cell - 1 : NO_CELL;
    }
}

static enum direction opposite(enum direction direction) { return (direction + 2) % DIRECTIONS; }

void maze_join(struct maze *maze, uint32_t cell, enum direction direction) {
    maze->open[cell] |= 1 << direction;
    maze->open[maze_neighbour(maze, cell, direction)] |= 1 << opposite(direction);
}

void maze_make(struct maze *maze, uint32_t columns, uint32_t rows, enum method method, struct random random) {
    static void (*const GENERATORS[METHODS])(struct maze *, struct random *) = {backtracker, prim, kruskal, wilson,
                                                                                eller};
    maze->columns = columns, maze->rows = rows;
    maze->solved_for = NO_CELL;
    memset(maze->open, 0, sizeof maze->open);
    GENERATORS[method](maze, &random);
}

uint32_t maze_step(const struct maze *maze, uint32_t cell, enum direction direction) {
    if (!(maze->open[cell] >> direction & 1)) return cell;
    uint32_t away = direction % 2 ? 1 : maze->columns;
    return direction <= RIGHT ? cell + away : cell - away; /* inside, as no opening leads out */
}

const uint8_t *maze_solve(struct maze *maze, uint32_t goal) {
    static uint16_t queue[MOST_CELLS];
    static uint8_t towards[MOST_CELLS];
    static const struct maze *solved;
    uint32_t n = 1;
    if (solved == maze && maze->solved_for == goal) return towards;
    solved = maze, maze->solved_for = goal;
    memset(towards, DIRECTIONS, maze->columns * maze->rows);
    queue[0] = (uint16_t)goal;
    towards[goal] = UP;
    for (uint32_t i = 0; i < n; i++)
        for (enum direction d = 0; d < DIRECTIONS; d++) {
            uint32_t next = maze_step(maze, queue[i], d);
            if (towards[next] != DIRECTIONS) continue;
            towards[next] = opposite(d);
            queue[n++] = (uint16_t)next;
        }
    return towards;
}
