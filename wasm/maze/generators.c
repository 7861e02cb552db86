#include "generators.h"

static uint32_t cells_of(const struct maze *maze) { return maze->columns * maze->rows; }

/* ---- Recursive backtracker ---- */

void backtracker(struct maze *maze, struct random *random) {
    static uint16_t stack[MOST_CELLS];
    uint32_t n = 1;
    stack[0] = (uint16_t)random_below(random, cells_of(maze));
    while (n) {
        uint32_t cell = stack[n - 1], n_ways = 0;
        enum direction ways[DIRECTIONS];
        for (enum direction d = 0; d < DIRECTIONS; d++) {
            uint32_t next = maze_neighbour(maze, cell, d);
            if (next != NO_CELL && !maze->open[next]) ways[n_ways++] = d;
        }
        if (!n_ways) {
            n--;
            continue;
        }
        enum direction way = ways[random_below(random, n_ways)];
        maze_join(maze, cell, way);
        stack[n++] = (uint16_t)maze_neighbour(maze, cell, way);
    }
}

/* ---- Prim ---- */

/* A wall is a cell and a direction. */
static uint16_t walls[DIRECTIONS * MOST_CELLS];

static uint32_t add_walls(const struct maze *maze, uint32_t n, uint32_t cell) {
    for (enum direction d = 0; d < DIRECTIONS; d++)
        if (maze_neighbour(maze, cell, d) != NO_CELL) walls[n++] = (uint16_t)(DIRECTIONS * cell + d);
    return n;
}

static uint32_t take_wall(struct random *random, uint32_t *n) {
    uint32_t i = random_below(random, *n), wall = walls[i];
    walls[i] = walls[--*n];
    return wall;
}

void prim(struct maze *maze, struct random *random) {
    uint32_t n = add_walls(maze, 0, random_below(random, cells_of(maze)));
    while (n) {
        uint32_t wall = take_wall(random, &n), cell = wall / DIRECTIONS;
        uint32_t beyond = maze_neighbour(maze, cell, wall % DIRECTIONS);
        if (maze->open[beyond]) continue;
        maze_join(maze, cell, wall % DIRECTIONS);
        n = add_walls(maze, n, beyond);
    }
}

/* ---- Kruskal ---- */

/* Disjoint sets; the paths are halved on the way up. */
static uint16_t parent[MOST_CELLS];

static uint32_t root(uint32_t cell) {
    while (parent[cell] != cell) cell = parent[cell] = parent[parent[cell]];
    return cell;
}

void kruskal(struct maze *maze, struct random *random) {
    uint32_t n = 0, cells = cells_of(maze);
    for (uint32_t cell = 0; cell < cells; cell++) {
        parent[cell] = (uint16_t)cell;
        for (enum direction d = UP; d <= RIGHT; d++)
            if (maze_neighbour(maze, cell, d) != NO_CELL) walls[n++] = (uint16_t)(DIRECTIONS * cell + d);
    }
    while (n) {
        uint32_t wall = take_wall(random, &n), cell = wall / DIRECTIONS;
        uint32_t a = root(cell), b = root(maze_neighbour(maze, cell, wall % DIRECTIONS));
        if (a == b) continue;
        parent[b] = (uint16_t)a;
        maze_join(maze, cell, wall % DIRECTIONS);
    }
}

/* ---- Wilson ---- */

void wilson(struct maze *maze, struct random *random) {
    static uint8_t way[MOST_CELLS]; /* by which a walk last left each cell: so loops are forgotten */
    static bool reached[MOST_CELLS];
    uint32_t cells = cells_of(maze);
    for (uint32_t cell = 0; cell < cells; cell++) reached[cell] = false;
    reached[random_below(random, cells)] = true;
    for (uint32_t start = 0; start < cells; start++) {
        for (uint32_t cell = start; !reached[cell]; cell = maze_neighbour(maze, cell, way[cell]))
            do way[cell] = (uint8_t)random_below(random, DIRECTIONS);
            while (maze_neighbour(maze, cell, way[cell]) == NO_CELL);
        for (uint32_t cell = start; !reached[cell]; cell = maze_neighbour(maze, cell, way[cell])) {
            reached[cell] = true;
            maze_join(maze, cell, way[cell]);
        }
    }
}

/* ---- Eller ---- */

/* Of one row: the set that each cell is in, named by a number below the columns. */
static uint8_t set[MOST_COLUMNS];

static void join_right(struct maze *maze, uint32_t row, uint32_t x) {
    uint8_t gone = set[x + 1];
    maze_join(maze, row * maze->columns + x, RIGHT);
    for (uint32_t i = 0; i < maze->columns; i++)
        if (set[i] == gone) set[i] = set[x];
}

/* Up from at least one cell of each set: from one at random, and from each other if a coin falls so. Cells above that
 * are not reached become sets of their own. */
static void go_up(struct maze *maze, struct random *random, uint32_t row) {
    bool up[MOST_COLUMNS] = {0}, used[MOST_COLUMNS] = {0};
    for (uint32_t name = 0; name < maze->columns; name++) {
        uint32_t size = 0;
        for (uint32_t x = 0; x < maze->columns; x++) size += set[x] == name;
        if (!size) continue;
        uint32_t sure = random_below(random, size);
        for (uint32_t x = 0, i = 0; x < maze->columns; x++) {
            if (set[x] != name) continue;
            up[x] = i == sure || random_below(random, 2);
            i++;
        }
    }
    for (uint32_t x = 0; x < maze->columns; x++) {
        if (!up[x]) continue;
        maze_join(maze, row * maze->columns + x, UP);
        used[set[x]] = true;
    }
    for (uint32_t x = 0, name = 0; x < maze->columns; x++) {
        if (up[x]) continue;
        while (used[name]) name++;
        set[x] = (uint8_t)name;
        used[name] = true;
    }
}

void eller(struct maze *maze, struct random *random) {
    for (uint32_t x = 0; x < maze->columns; x++) set[x] = (uint8_t)x;
    for (uint32_t row = 0; row < maze->rows; row++) {
        bool last = row + 1 == maze->rows;
        for (uint32_t x = 0; x + 1 < maze->columns; x++)
            if (set[x] != set[x + 1] && (last || random_below(random, 2))) join_right(maze, row, x);
        if (!last) go_up(maze, random, row);
    }
}
