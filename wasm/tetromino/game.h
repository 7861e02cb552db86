/* The falling-block game by the guideline's rules, without a clock: a key is also a tick.
 *
 * The state follows from the seed, the settings and the keys alone, so the typed text is the saved game and deleting a
 * letter takes a move back. What the guideline leaves to a clock is counted in keys: how often a piece falls by itself,
 * and how long it may rest before it locks. fontgen/pictures/tetromino/rules.py tells the same rules again. */
#ifndef GAME_H
#define GAME_H

#include <stdbool.h>

#include "pieces.h"
#include "random.h"

#define COLUMNS 10
#define VISIBLE_ROWS 20
#define HIDDEN_ROWS 2      /* above them, where pieces appear; shown as well */
#define ROWS 40            /* the guideline's whole matrix; kicks may lift a piece above the hidden rows */
#define SHOWN_NEXT 5
#define LOCK_DELAY 15      /* keys, where the guideline counts moves */
#define LINES_OF_A_LEVEL 10
#define HIGHEST_LEVEL 20
#define SPRINT_LINES 40
#define MARATHON_LINES 150

enum spin { NO_SPIN, MINI_SPIN, FULL_SPIN };
enum outcome { PLAYING, BLOCK_OUT, LOCK_OUT, WON };

struct rules {
    uint32_t level; /* to begin with, 1 to HIGHEST_LEVEL */
    uint32_t goal;  /* lines to clear; 0: without end */
};

/* What the last piece that locked has done. */
struct clear {
    uint8_t lines, spin; /* enum spin */
    bool all, back_to_back;
};

struct game {
    struct rules rules;
    uint8_t cells[ROWS][COLUMNS]; /* enum kind; row 0 is the lowest */
    struct piece piece;
    uint8_t queue[14], next;      /* two bags; queue[next] comes next */
    uint8_t held;                 /* enum kind */
    bool hold_used;
    uint8_t outcome;              /* enum outcome */
    struct random random;

    uint8_t ticks;                /* since the piece fell by itself */
    uint8_t lock_delay;           /* keys left before it locks where it rests */
    int8_t lowest;                /* the lowest row that its box has reached */
    uint8_t spin;                 /* enum spin, of the last move */

    uint32_t score, lines, level, keys;
    int32_t combo;                /* clears in a row, less one; -1: none */
    bool back_to_back;            /* the last clear was a difficult one */
    struct clear clear;
};

void game_start(struct game *game, uint64_t seed, struct rules rules);

/* Whether a character is a key of the game. */
bool game_has_key(uint32_t codepoint);

/* Plays one key. After the end of the game keys change nothing. */
void game_play(struct game *game, uint32_t key);

/* Where the piece would land. */
struct piece game_ghost(const struct game *game);

#endif
