/* Exports for `fontgen verify` and the tests, which ask a finished font for its mazes and walks. HarfBuzz never calls
 * these, and nothing here is needed to shape. */
#include "harfbuzz.h"
#include "walk.h"

static struct maze maze;
static struct walk walk;

/* The walls: see struct maze. */
const uint8_t *EXPORT(inspect_make)(uint32_t columns, uint32_t rows, uint32_t method, uint64_t seed) {
    maze_make(&maze, columns, rows, method, (struct random){seed});
    walk_start(&walk, &maze, true);
    return maze.open;
}

/* Walks by a key; where that leads. */
uint32_t EXPORT(inspect_walk)(uint32_t key) { return walk_key(&walk, key), walk.cell; }
uint32_t EXPORT(inspect_steps)(void) { return walk.steps; }

/* What is marked: see struct walk. */
const uint8_t *EXPORT(inspect_marks)(void) { return walk.marks; }
