#include "walk.h"

#include "memory.h"

static uint32_t goal_of(const struct maze *maze) { return maze->columns * maze->rows - 1; }

bool walk_is_over(const struct walk *walk) { return walk->cell == goal_of(walk->maze); }

/* What can be seen from the cell: it and all along the corridors. */
static void look_around(struct walk *walk) {
    if (!walk->looks) return;
    walk->marks[walk->cell] |= SEEN;
    for (enum direction d = 0; d < DIRECTIONS; d++)
        for (uint32_t cell = walk->cell, next; (next = maze_step(walk->maze, cell, d)) != cell; cell = next)
            walk->marks[next] |= SEEN;
}

void walk_start(struct walk *walk, struct maze *maze, bool looks) {
    memset(walk, 0, sizeof *walk);
    walk->maze = maze, walk->looks = looks;
    look_around(walk);
}

/* enum direction, or DIRECTIONS. Letters that differ by their case differ by 32. */
static uint32_t direction_of(uint32_t key) {
    static const char KEYS[] = "wdsa";
    uint32_t d = 0;
    while (d < DIRECTIONS && key != (uint8_t)KEYS[d] && key + 32 != (uint8_t)KEYS[d]) d++;
    return d;
}

bool walk_has_key(uint32_t codepoint) { return codepoint == '?' || direction_of(codepoint) < DIRECTIONS; }

static void show_way(struct walk *walk) {
    uint32_t goal = goal_of(walk->maze);
    const uint8_t *towards = maze_solve(walk->maze, goal);
    for (uint32_t cell = walk->cell; cell != goal; cell = maze_step(walk->maze, cell, towards[cell]))
        walk->marks[cell] |= WAY;
}

/* Whether a runner in a direction stops here: it could turn. */
static bool is_fork(const struct maze *maze, uint32_t cell, uint32_t direction) {
    return maze->open[cell] >> (direction + 1) % DIRECTIONS & 1 || maze->open[cell] >> (direction + 3) % DIRECTIONS & 1;
}

void walk_key(struct walk *walk, uint32_t key) {
    if (walk_is_over(walk)) return;
    if (key == '?') return show_way(walk);
    uint32_t direction = direction_of(key);
    for (uint32_t next; (next = maze_step(walk->maze, walk->cell, direction)) != walk->cell;) {
        walk->marks[walk->cell] |= TRAIL;
        walk->cell = next;
        walk->steps++;
        look_around(walk);
        if (key >= 'a' || walk_is_over(walk) || is_fork(walk->maze, next, direction)) return;
    }
}
