#include "game.h"

#include "memory.h"

/* ---- The well ---- */

/* Walls and floor are filled, what is above the matrix is not. */
static bool is_filled(const struct game *game, int32_t x, int32_t y) {
    return x < 0 || x >= COLUMNS || y < 0 || (y < ROWS && game->cells[y][x]);
}

static bool fits(const struct game *game, struct piece piece) {
    for (uint32_t i = 0; i < CELLS_OF_A_PIECE; i++) {
        struct cell cell = piece_cell(piece, i);
        if (is_filled(game, cell.x, cell.y)) return false;
    }
    return true;
}

/* Moves the piece if it fits there. */
static bool move(struct game *game, int8_t dx, int8_t dy) {
    struct piece moved = game->piece;
    moved.x += dx, moved.y += dy;
    if (!fits(game, moved)) return false;
    game->piece = moved;
    game->spin = NO_SPIN;
    return true;
}

struct piece game_ghost(const struct game *game) {
    struct piece ghost = game->piece;
    do ghost.y--;
    while (fits(game, ghost));
    ghost.y++;
    return ghost;
}

/* ---- Turning ---- */

/* What a turn of the T is worth, by the rule of three corners: three of those around its centre must be filled. A full
 * spin has both in front, where the T points to, or came in by the last kick. */
static enum spin spin_of(const struct game *game, uint32_t kick) {
    static const int8_t CORNERS[4][2] = {{0, 2}, {2, 2}, {2, 0}, {0, 0}}; /* clockwise; at first two in front */
    const struct piece *piece = &game->piece;
    uint32_t front = 0, all = 0;
    if (piece->kind != T) return NO_SPIN;
    for (uint32_t i = 0; i < 4; i++) {
        const int8_t *corner = CORNERS[(i + piece->turn) % 4];
        bool filled = is_filled(game, piece->x + corner[0], piece->y + corner[1]);
        all += filled, front += filled && i < 2;
    }
    return all < 3 ? NO_SPIN : front == 2 || kick == KICKS - 1 ? FULL_SPIN : MINI_SPIN;
}

static void turn(struct game *game, uint8_t quarters) {
    uint8_t to = (game->piece.turn + quarters) % 4;
    if (game->piece.kind == O) return;
    for (uint32_t kick = 0; kick < KICKS; kick++) {
        struct piece turned = piece_turned(game->piece, to, kick);
        if (!fits(game, turned)) continue;
        game->piece = turned;
        game->spin = spin_of(game, kick);
        return;
    }
}

/* ---- Pieces come ---- */

/* A bag holds each piece once (Fisher and Yates' shuffle). */
static void fill_bag(struct game *game, uint8_t *bag) {
    for (uint8_t i = 0; i < 7; i++) bag[i] = I + i;
    for (uint32_t i = 6; i > 0; i--) {
        uint32_t j = random_below(&game->random, i + 1);
        uint8_t swapped = bag[i];
        bag[i] = bag[j], bag[j] = swapped;
    }
}

static uint8_t take_next(struct game *game) {
    uint8_t kind = game->queue[game->next++];
    if (game->next == 7) {
        memcpy(game->queue, game->queue + 7, 7);
        fill_bag(game, game->queue + 7);
        game->next = 0;
    }
    return kind;
}

/* In the hidden rows, in the middle, rounded to the left; and at once a row down if there is room. */
static void appear(struct game *game, uint8_t kind) {
    int8_t y = kind == O ? VISIBLE_ROWS : VISIBLE_ROWS - (kind == I ? 2 : 1);
    game->piece = (struct piece){kind, 0, kind == O ? 4 : 3, y};
    game->ticks = 0;
    game->lock_delay = LOCK_DELAY;
    if (!fits(game, game->piece)) game->outcome = BLOCK_OUT;
    else move(game, 0, -1);
    game->lowest = game->piece.y;
    game->spin = NO_SPIN;
}

/* ---- Pieces lock ---- */

static uint32_t clear_lines(struct game *game) {
    uint32_t kept = 0;
    for (uint32_t y = 0; y < ROWS; y++) {
        uint32_t filled = 0;
        for (uint32_t x = 0; x < COLUMNS; x++) filled += game->cells[y][x] != EMPTY;
        if (filled < COLUMNS) memmove(game->cells[kept++], game->cells[y], COLUMNS);
    }
    memset(game->cells + kept, EMPTY, (ROWS - kept) * COLUMNS);
    return ROWS - kept;
}

static bool is_empty(const struct game *game) {
    for (uint32_t y = 0; y < ROWS; y++)
        for (uint32_t x = 0; x < COLUMNS; x++)
            if (game->cells[y][x]) return false;
    return true;
}

static void score(struct game *game, uint32_t lines, enum spin spin) {
    static const uint16_t POINTS[3][5] = {{0, 100, 300, 500, 800}, {100, 200, 400, 0, 0}, {400, 800, 1200, 1600, 0}};
    static const uint16_t ALL_CLEAR[5] = {0, 800, 1200, 1800, 2000}, ALL_CLEAR_AGAIN = 3200;
    uint32_t points = POINTS[spin][lines];
    bool difficult = lines && (spin || lines == 4), again = difficult && game->back_to_back;
    bool all = lines && is_empty(game);
    if (again) points += points / 2;
    if (lines) game->back_to_back = difficult;
    game->combo = lines ? game->combo + 1 : -1;
    if (game->combo > 0) points += 50 * (uint32_t)game->combo;
    if (all) points += again && lines == 4 ? ALL_CLEAR_AGAIN : ALL_CLEAR[lines];
    game->score += points * game->level; /* of before the clear */
    game->lines += lines;
    game->level = game->rules.level + game->lines / LINES_OF_A_LEVEL;
    if (game->level > HIGHEST_LEVEL) game->level = HIGHEST_LEVEL;
    game->clear = (struct clear){(uint8_t)lines, spin, all, again};
}

static void lock(struct game *game) {
    bool visible = false;
    for (uint32_t i = 0; i < CELLS_OF_A_PIECE; i++) {
        struct cell cell = piece_cell(game->piece, i);
        if (cell.y < ROWS) game->cells[cell.y][cell.x] = game->piece.kind;
        visible |= cell.y < VISIBLE_ROWS;
    }
    score(game, clear_lines(game), game->spin);
    game->hold_used = false;
    if (!visible) game->outcome = LOCK_OUT;
    else if (game->rules.goal && game->lines >= game->rules.goal) game->outcome = WON;
    else appear(game, take_next(game));
}

static void hold(struct game *game) {
    if (game->hold_used) return;
    uint8_t kind = game->held;
    game->held = game->piece.kind;
    appear(game, kind ? kind : take_next(game));
    game->hold_used = true;
}

/* ---- Keys ---- */

/* At level 1 a piece falls by itself with every eighth key, at 8 with each; then more rows at once, from 15 all. */
static void tick(struct game *game) {
    uint32_t level = game->level, every = level < 8 ? 9 - level : 1;
    uint32_t rows = level <= 8 ? 1 : level < 15 ? level - 7 : VISIBLE_ROWS;
    if (++game->ticks >= every) {
        game->ticks = 0;
        while (rows-- && move(game, 0, -1)) {}
    }
    if (game->piece.y < game->lowest) {
        game->lowest = game->piece.y;
        game->lock_delay = LOCK_DELAY;
    }
    struct piece below = game->piece;
    below.y--;
    if (fits(game, below)) return;
    if (!game->lock_delay || !--game->lock_delay) lock(game);
}

/* To the floor at once, for so many points a row. */
static void drop(struct game *game, uint32_t points) {
    struct piece ghost = game_ghost(game);
    if (ghost.y == game->piece.y) return; /* a spin stays one */
    game->score += points * (uint32_t)(game->piece.y - ghost.y);
    game->piece = ghost;
    game->spin = NO_SPIN;
}

bool game_has_key(uint32_t codepoint) {
    static const char KEYS[] = "adswqxc.ADSWQXC";
    for (const char *key = KEYS; *key; key++)
        if (codepoint == (uint8_t)*key) return true;
    return false;
}

void game_play(struct game *game, uint32_t key) {
    if (game->outcome) return;
    game->keys++;
    switch (key) {
    case 'a': move(game, -1, 0); break;
    case 'd': move(game, 1, 0); break;
    case 'A': while (move(game, -1, 0)) {} break;
    case 'D': while (move(game, 1, 0)) {} break;
    case 'w': case 'W': turn(game, 1); break;
    case 'q': case 'Q': turn(game, 3); break;
    case 'S': drop(game, 1); break;
    case 's':
        if (!move(game, 0, -1)) return lock(game);
        game->score++;
        break;
    case 'x': case 'X': drop(game, 2); return lock(game);
    case 'c': case 'C': return hold(game);
    }
    tick(game);
}

void game_start(struct game *game, uint64_t seed, struct rules rules) {
    memset(game, 0, sizeof *game);
    game->rules = rules;
    game->random.state = seed;
    game->level = rules.level;
    game->combo = -1;
    fill_bag(game, game->queue);
    fill_bag(game, game->queue + 7);
    appear(game, take_next(game));
}
