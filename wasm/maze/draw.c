/* A maze in a line of text, and a walk in it:
 *
 *     maze(20x12,wilson,7):ddss      20 columns, 12 rows, Wilson's method, seed "7"
 *     maze(30x15,fog):
 *
 * From the lower left to the upper right corner; see walk.h for the keys. Methods are backtracker, which is also meant
 * when none is named, prim, kruskal, wilson and eller; with fog only what was seen is shown. The feature STEP shows the
 * walk after so many keys. */
#include "picture.h"
#include "shapes.h"
#include "walk.h"

const char picture_trigger[] = "maze";

#define LEAST_SIDE 2
#define LONGEST_SEED 32

struct settings {
    uint32_t columns, rows;
    enum method method;
    bool fog;
    struct random random;
};

/* ---- What is drawn ---- */

/* Three cells beside each other are one glyph, whatever is in them: shaping takes time for each. */
#define TILE 3
#define IN_TILE ((1u << TILE) - 1)

/* A maze to be drawn, and what it was made by. A row is a bit for each of its cells. */
struct plan {
    struct settings settings;
    struct maze maze;
    uint64_t left[MOST_ROWS], under[MOST_ROWS]; /* walls there */
};

/* While somebody walks, the maze stays the same. */
static struct plan *plan_of(const struct settings *settings) {
    static struct plan plan;
    const struct settings *made = &plan.settings;
    if (made->columns == settings->columns && made->rows == settings->rows && made->method == settings->method &&
        made->random.state == settings->random.state)
        return &plan;
    plan.settings = *settings;
    maze_make(&plan.maze, settings->columns, settings->rows, settings->method, settings->random);
    for (uint32_t y = 0, cell = 0; y < settings->rows; y++) {
        plan.left[y] = plan.under[y] = 0;
        for (uint32_t x = 0; x < settings->columns; x++, cell++) {
            plan.left[y] |= (uint64_t)(~plan.maze.open[cell] >> LEFT & 1) << x;
            plan.under[y] |= (uint64_t)(~plan.maze.open[cell] >> DOWN & 1) << x;
        }
    }
    return &plan;
}

/* What is marked in a row. */
struct row {
    uint64_t seen, trail, way;
};

static struct row read_row(const struct walk *walk, uint32_t y) {
    struct row row = {0};
    const uint8_t *marks = walk->marks + y * walk->maze->columns;
    for (uint32_t x = 0; x < walk->maze->columns; x++) {
        if (!marks[x]) continue;
        row.seen |= (uint64_t)1 << x;
        row.trail |= (uint64_t)(marks[x] / TRAIL & 1) << x;
        row.way |= (uint64_t)(marks[x] / WAY & 1) << x;
    }
    return row;
}

/* Shapes from `first` on, of which each stands for some of the cells of a tile, and at least one. */
static void put_tiles(struct picture *picture, uint32_t first, uint64_t cells, uint32_t y) {
    for (int32_t x = 0; cells; x += TILE * CELL, cells >>= TILE)
        if (cells & IN_TILE) picture_put(picture, first + (cells & IN_TILE) - 1, x, (int32_t)y * CELL);
}

/* A wall is drawn by the cell that it is left of or under. Behind the last column there is one more of those, `last`. */
static void put_walls(struct picture *picture, uint64_t left, uint64_t under, bool last, uint32_t columns, uint32_t y) {
    for (uint32_t x = 0; x <= columns; x += TILE) {
        uint32_t tile = (left >> x & IN_TILE) | (under >> x & IN_TILE) << TILE;
        if (last && columns - x < TILE) tile |= 1u << (columns - x);
        if (tile) picture_put(picture, SHAPE_WALLS_1 + tile - 1, (int32_t)x * CELL, (int32_t)y * CELL);
    }
}

/* What nobody has seen from either side is left out. Above the last row there is one more row of walls. */
static void draw_rows(struct picture *picture, const struct walk *walk, const struct plan *plan, bool fog) {
    uint32_t columns = plan->maze.columns, rows = plan->maze.rows;
    uint64_t all = ~(uint64_t)0 >> (MOST_COLUMNS - columns), below = 0;
    for (uint32_t y = 0; y < rows; y++) {
        struct row row = read_row(walk, y);
        if (!fog) row.seen = all;
        uint64_t left = plan->left[y] & (row.seen | row.seen << 1), under = plan->under[y] & (row.seen | below);
        put_walls(picture, left, under, row.seen >> (columns - 1) & 1, columns, y);
        put_tiles(picture, SHAPE_FOG_1, all & ~row.seen, y);
        put_tiles(picture, SHAPE_TRAIL_1, row.trail, y);
        put_tiles(picture, SHAPE_WAY_1, row.way, y);
        below = row.seen;
    }
    put_walls(picture, 0, below, false, columns, rows);
}

static void put(struct picture *picture, uint32_t shape, const struct maze *maze, uint32_t cell) {
    picture_put(picture, shape, (int32_t)(cell % maze->columns) * CELL, (int32_t)(cell / maze->columns) * CELL);
}

static void draw(struct picture *picture, const struct walk *walk, const struct plan *plan, bool fog) {
    const struct maze *maze = walk->maze;
    draw_rows(picture, walk, plan, fog);
    put(picture, SHAPE_GOAL, maze, maze->columns * maze->rows - 1);
    put(picture, walk_is_over(walk) ? SHAPE_WINNER : SHAPE_WALKER, maze, walk->cell);
    picture_write(picture, walk_is_over(walk) ? "OUT! STEPS " : "STEPS ", 0, -80);
    picture_write_number(picture, walk->steps);
    picture->width = (int32_t)maze->columns * CELL + CELL / 2;
}

/* ---- What was typed ---- */

static bool ends_item(const struct scan *text) { return scan_peek(text) == ',' || scan_peek(text) == ')'; }

/* One of the words that are no seed; "fogs" is one. */
static bool read_word(struct scan *text, struct settings *settings) {
    static const char *const METHOD_NAMES[METHODS] = {"backtracker", "prim", "kruskal", "wilson", "eller"};
    struct scan after = *text;
    if (scan_word(&after, "fog") && ends_item(&after)) return settings->fog = true, *text = after, true;
    for (enum method method = 0; method < METHODS; method++) {
        after = *text;
        if (scan_word(&after, METHOD_NAMES[method]) && ends_item(&after))
            return settings->method = method, *text = after, true;
    }
    return false;
}

/* Any text without spaces, commas and brackets. */
static bool read_seed(struct scan *text, struct settings *settings) {
    for (uint32_t n = 0; !ends_item(text); n++, text->at++) {
        uint32_t c = scan_peek(text);
        if (c == NO_CHARACTER || c == ' ' || n == LONGEST_SEED) return false;
        settings->random.state = hash_codepoint(settings->random.state, c);
    }
    return true;
}

/* "(20x12" and, divided by commas, words and a seed. */
static bool read_settings(struct scan *text, struct settings *settings) {
    if (!scan_character(text, '(') || !scan_number(text, LEAST_SIDE, MOST_COLUMNS, &settings->columns) ||
        !scan_word(text, "x") || !scan_number(text, LEAST_SIDE, MOST_ROWS, &settings->rows))
        return false;
    while (scan_character(text, ','))
        if (!read_word(text, settings) && !read_seed(text, settings)) return false;
    return scan_character(text, ')');
}

bool picture_draw(struct picture *picture, struct scan *text) {
    static struct walk walk;
    struct settings settings = {.method = BACKTRACKER, .random = {HASH_OF_NOTHING}};
    if (!read_settings(text, &settings) || !scan_character(text, ':')) return false;
    uint32_t start = text->at, steps = picture_step(picture);
    struct plan *plan = plan_of(&settings);
    walk_start(&walk, &plan->maze, settings.fog);
    for (; walk_has_key(scan_peek(text)); text->at++)
        if (text->at - start < steps) walk_key(&walk, scan_peek(text));
    picture->n_steps = text->at - start;
    draw(picture, &walk, plan, settings.fog);
    return true;
}
