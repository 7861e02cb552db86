/* How chess is written: FEN for a position, SAN for a move, and the movetext of PGN around moves (Portable Game Notation
 * Specification of 1994, sections 8.2 and 16.1). */
#ifndef NOTATION_H
#define NOTATION_H

#include "position.h"
#include "scan.h"

/* A FEN up to a comma or bracket; underscores may stand for its spaces, and fields may be left off behind the first.
 * False: it is none, or the position is impossible. */
bool scan_fen(struct scan *text, struct position *position);

enum reading {
    NO_MOVE,    /* something else stands here: nothing was taken */
    PENDING,    /* the text ends within a move; taken */
    ILLEGAL,    /* a move that cannot be played; taken */
    AMBIGUOUS,  /* several pieces could play it; taken */
    LEGAL,
};

/* A move as people write it: "Nf3", "exd5", "O-O", "e8=Q+", "Ng1-f3", "g1f3", with or without signs behind it. Of a move
 * that cannot be played, `move` tells where it would go. */
enum reading scan_move(struct scan *text, const struct position *position, struct move *move);

/* Spaces or underscores; whether there are some. */
bool scan_spaces(struct scan *text);

/* What stands between moves, with the spaces before it: numbers, comments, variations, annotations; whether there is
 * something. */
bool scan_between_moves(struct scan *text);

/* "1-0", "0-1", "1/2-1/2" or "*"; NULL: none. */
const char *scan_result(struct scan *text);

#endif
