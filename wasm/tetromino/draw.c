/* A game of falling blocks in a line of text:
 *
 *     tetris(anna):ddwx      a game seeded by "anna", after these keys
 *     tetris(anna,sprint,level=5):
 *
 * a d move, A D as far as it goes; w q turn; s down a row, S to the floor; x drops and locks; c holds; . waits.
 * The feature STEP shows the game after so many keys. */
#include "game.h"
#include "picture.h"
#include "shapes.h"

const char picture_trigger[] = "tetris";

#define HELD_X 0
#define WELL_X (5 * CELL)
#define NEXT_X (16 * CELL)
#define LINE 80        /* between two lines of small letters */
#define SHOWN_KEYS 12
#define LONGEST_SEED 32

/* ---- What is drawn ---- */

static void draw_piece(struct picture *picture, uint32_t shape, struct piece piece, int32_t x, int32_t y) {
    for (uint32_t i = 0; i < CELLS_OF_A_PIECE; i++) {
        struct cell cell = piece_cell(piece, i);
        picture_put(picture, shape, x + cell.x * CELL, y + cell.y * CELL);
    }
}

static void draw_well(struct picture *picture, const struct game *game) {
    bool lost = game->outcome == BLOCK_OUT || game->outcome == LOCK_OUT;
    picture_put(picture, SHAPE_WELL, WELL_X, 0);
    for (int32_t y = 0; y < VISIBLE_ROWS + HIDDEN_ROWS; y++)
        for (int32_t x = 0; x < COLUMNS; x++)
            if (game->cells[y][x])
                picture_put(picture, lost ? SHAPE_GREY : SHAPE_I - I + game->cells[y][x], WELL_X + x * CELL, y * CELL);
    if (game->outcome) return;
    draw_piece(picture, SHAPE_GHOST_I - I + game->piece.kind, game_ghost(game), WELL_X, 0);
    draw_piece(picture, SHAPE_I - I + game->piece.kind, game->piece, WELL_X, 0);
}

/* A piece beside the well, with its upper row in the row `top`. */
static void draw_beside(struct picture *picture, uint32_t shape, uint8_t kind, int32_t x, int32_t top) {
    int8_t y = (int8_t)(top - (kind == O ? 1 : 2));
    draw_piece(picture, shape, (struct piece){kind, 0, 0, y}, x, 0);
}

static void draw_sides(struct picture *picture, const struct game *game) {
    picture_write(picture, "HOLD", HELD_X, 20 * CELL + 20);
    if (game->held)
        draw_beside(picture, game->hold_used ? SHAPE_GREY : SHAPE_I - I + game->held, game->held, HELD_X, 19);
    picture_write(picture, "NEXT", NEXT_X, 20 * CELL + 20);
    for (uint32_t i = 0; i < SHOWN_NEXT; i++) {
        uint8_t kind = game->queue[game->next + i];
        draw_beside(picture, SHAPE_I - I + kind, kind, NEXT_X, 19 - 3 * (int32_t)i);
    }
}

static void draw_number(struct picture *picture, const char *title, uint32_t number, uint32_t of, int32_t y) {
    picture_write(picture, title, HELD_X, y);
    picture_write(picture, "", HELD_X, y - LINE);
    picture_write_number(picture, number);
    if (!of) return;
    picture_write_on(picture, "/");
    picture_write_number(picture, of);
}

/* What the last piece has done, and how the game ended. */
static void draw_news(struct picture *picture, const struct game *game) {
    static const char *const SPINS[] = {"", "MINI T-SPIN", "T-SPIN"};
    static const char *const LINES[] = {"", "SINGLE", "DOUBLE", "TRIPLE", "QUAD"};
    static const char *const OUTCOMES[] = {"", "BLOCK OUT", "LOCK OUT", "WON!"};
    const struct clear *clear = &game->clear;
    int32_t y = 7 * CELL;
    if (game->outcome) picture_write(picture, OUTCOMES[game->outcome], HELD_X, y), y -= LINE;
    if (clear->back_to_back) picture_write(picture, "BACK-TO-BACK", HELD_X, y), y -= LINE;
    if (clear->spin) picture_write(picture, SPINS[clear->spin], HELD_X, y), y -= LINE;
    if (clear->lines) picture_write(picture, LINES[clear->lines], HELD_X, y), y -= LINE;
    if (clear->all) picture_write(picture, "ALL CLEAR", HELD_X, y), y -= LINE;
    if (game->combo > 0) {
        picture_write(picture, "COMBO ", HELD_X, y);
        picture_write_number(picture, (uint32_t)game->combo);
    }
}

/* The last keys, for who cannot see what was typed. */
static void draw_keys(struct picture *picture, const struct scan *keys, uint32_t start, uint32_t end) {
    uint32_t from = end - start > SHOWN_KEYS ? end - SHOWN_KEYS : start;
    picture_write(picture, "", HELD_X, 20);
    for (uint32_t i = from; i < end; i++) picture_write_character(picture, keys->text[i].codepoint);
}

static void draw(struct picture *picture, const struct game *game) {
    draw_well(picture, game);
    draw_sides(picture, game);
    draw_number(picture, "SCORE", game->score, 0, 16 * CELL);
    draw_number(picture, "LEVEL", game->level, 0, 14 * CELL);
    draw_number(picture, "LINES", game->lines, game->rules.goal, 12 * CELL);
    draw_number(picture, "KEYS", game->keys, 0, 10 * CELL);
    draw_news(picture, game);
    picture->width = 20 * CELL + CELL / 2;
}

/* ---- What was typed ---- */

static bool ends_item(const struct scan *text) { return scan_peek(text) == ',' || scan_peek(text) == ')'; }

/* One of the words that are no seed; "sprinter" is one. */
static bool read_rule(struct scan *text, struct rules *rules) {
    struct scan after = *text;
    struct rules changed = *rules;
    if (scan_word(&after, "sprint")) changed.goal = SPRINT_LINES;
    else if (scan_word(&after, "marathon")) changed.goal = MARATHON_LINES;
    else if (!scan_word(&after, "level=") || !scan_number(&after, 1, HIGHEST_LEVEL, &changed.level)) return false;
    if (!ends_item(&after)) return false;
    *text = after, *rules = changed;
    return true;
}

/* Any text without spaces, commas and brackets. */
static bool read_seed(struct scan *text, uint64_t *seed) {
    for (uint32_t n = 0; !ends_item(text); n++, text->at++) {
        uint32_t c = scan_peek(text);
        if (c == NO_CHARACTER || c == ' ' || n == LONGEST_SEED) return false;
        *seed = hash_codepoint(*seed, c);
    }
    return true;
}

/* In brackets and divided by commas, a seed and rules. */
static bool read_settings(struct scan *text, struct rules *rules, uint64_t *seed) {
    if (!scan_character(text, '(')) return true;
    do
        if (!read_rule(text, rules) && !read_seed(text, seed)) return false;
    while (scan_character(text, ','));
    return scan_character(text, ')');
}

bool picture_draw(struct picture *picture, struct scan *text) {
    static struct game game;
    struct rules rules = {1, 0};
    uint64_t seed = HASH_OF_NOTHING;
    uint32_t begin = text->at;
    if (!read_settings(text, &rules, &seed)) return false;
    bool settings = text->at > begin;
    if (!scan_character(text, ':')) return false;
    uint32_t next = scan_peek(text);
    if (!settings && next != NO_CHARACTER && !game_has_key(next)) return false; /* "tetris: a game" */
    uint32_t start = text->at, steps = picture_step(picture);
    game_start(&game, seed, rules);
    for (; game_has_key(scan_peek(text)); text->at++)
        if (text->at - start < steps) game_play(&game, scan_peek(text));
    picture->n_steps = text->at - start;
    draw(picture, &game);
    draw_keys(picture, text, start, picture->n_steps < steps ? text->at : start + steps);
    return true;
}
