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

static void put(struct picture *picture, uint32_t shape, const struct maze *maze, uint32_t cell) {
    picture_put(picture, shape, (int32_t)(cell % maze->columns) * CELL, (int32_t)(cell / maze->columns) * CELL);
}

/* A wall is drawn once, by the cell that it is under or left of, and along the upper and the right border. */
static void draw_walls(struct picture *picture, const struct walk *walk, bool fog) {
    const struct maze *maze = walk->maze;
    for (uint32_t cell = 0; cell < maze->columns * maze->rows; cell++) {
        if (fog && !walk->marks[cell]) {
            put(picture, SHAPE_FOG, maze, cell);
            continue;
        }
        int32_t x = (int32_t)(cell % maze->columns) * CELL, y = (int32_t)(cell / maze->columns) * CELL;
        for (enum direction d = 0; d < DIRECTIONS; d++) {
            if (maze->open[cell] >> d & 1) continue;
            uint32_t beyond = maze_neighbour(maze, cell, d);
            bool by_another = beyond != NO_CELL && d <= RIGHT && (!fog || walk->marks[beyond]);
            if (by_another) continue;
            if (d == UP || d == DOWN) picture_put(picture, SHAPE_ACROSS, x, y + (d == UP ? CELL : 0));
            else picture_put(picture, SHAPE_UPRIGHT, x + (d == RIGHT ? CELL : 0), y);
        }
    }
}

static void draw_marks(struct picture *picture, const struct walk *walk) {
    const struct maze *maze = walk->maze;
    uint32_t cells = maze->columns * maze->rows;
    for (uint32_t cell = 0; cell < cells; cell++) {
        if (walk->marks[cell] & TRAIL) put(picture, SHAPE_TRAIL, maze, cell);
        if (walk->marks[cell] & WAY) put(picture, SHAPE_WAY, maze, cell);
    }
    put(picture, SHAPE_GOAL, maze, cells - 1);
    put(picture, walk_is_over(walk) ? SHAPE_WINNER : SHAPE_WALKER, maze, walk->cell);
}

static void draw(struct picture *picture, const struct walk *walk, bool fog) {
    draw_walls(picture, walk, fog);
    draw_marks(picture, walk);
    picture_write(picture, walk_is_over(walk) ? "OUT! STEPS " : "STEPS ", 0, -80);
    picture_write_number(picture, walk->steps);
    picture->width = (int32_t)walk->maze->columns * CELL + CELL / 2;
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
    static struct maze maze;
    static struct walk walk;
    struct settings settings = {.method = BACKTRACKER, .random = {HASH_OF_NOTHING}};
    if (!read_settings(text, &settings) || !scan_character(text, ':')) return false;
    uint32_t start = text->at, steps = picture_feature(picture, TAG('S', 'T', 'E', 'P'), NO_CHARACTER);
    maze_make(&maze, settings.columns, settings.rows, settings.method, settings.random);
    walk_start(&walk, &maze);
    for (; walk_has_key(scan_peek(text)); text->at++)
        if (text->at - start < steps) walk_key(&walk, scan_peek(text));
    draw(picture, &walk, settings.fog);
    return true;
}
