#include "notation.h"

#include "memory.h"

static bool is_space(uint32_t c) { return c == ' ' || c == '_' || c == 0xA0; }

/* ---- FEN ---- */

static uint8_t piece_of(uint32_t letter) {
    static const char LETTERS_OF_KINDS[] = " pnbrqk";
    for (uint8_t kind = PAWN; kind <= KING; kind++) {
        if (letter == (uint8_t)LETTERS_OF_KINDS[kind]) return kind | BLACK;
        if (letter + 32 == (uint8_t)LETTERS_OF_KINDS[kind]) return kind;
    }
    return NOTHING;
}

static bool scan_board(struct scan *text, uint8_t *board) {
    for (uint32_t rank = 8; rank--;) {
        for (uint32_t file = 0; file < 8;) {
            uint32_t c = scan_peek(text), empty = c - '0';
            uint8_t piece = piece_of(c);
            text->at++;
            if (piece) board[SQUARE(file++, rank)] = piece;
            else if (empty - 1 < 8 - file) file += empty;
            else return false;
        }
        if (rank && !scan_character(text, '/')) return false;
    }
    return true;
}

static void scan_castling(struct scan *text, uint8_t *castling) {
    static const char RIGHTS[] = "KQkq";
    if (scan_character(text, '-')) return;
    for (uint32_t i = 0; i < 4; i++)
        if (scan_character(text, (uint8_t)RIGHTS[i])) *castling |= (uint8_t)(1 << i);
}

/* A square by its name, or NO_SQUARE. */
static uint32_t scan_square(struct scan *text) {
    uint32_t file = scan_peek(text) - 'a', rank = scan_peek_at(text, 1) - '1';
    if (file > 7 || rank > 7) return NO_SQUARE;
    text->at += 2;
    return SQUARE(file, rank);
}

bool scan_spaces(struct scan *text) {
    uint32_t start = text->at;
    while (is_space(scan_peek(text))) text->at++;
    return text->at > start;
}

bool scan_fen(struct scan *text, struct position *position) {
    memset(position, 0, sizeof *position);
    position->en_passant = NO_SQUARE;
    position->fullmove = 1;
    if (!scan_board(text, position->board)) return false;
    if (scan_spaces(text)) {
        if (scan_character(text, 'b')) position->to_move = BLACK;
        else if (!scan_character(text, 'w')) return false;
    }
    if (scan_spaces(text)) scan_castling(text, &position->castling);
    if (scan_spaces(text) && !scan_character(text, '-')) position->en_passant = (uint8_t)scan_square(text);
    if (scan_spaces(text)) scan_number(text, 0, 9999, &position->halfmoves);
    if (scan_spaces(text)) scan_number(text, 1, 9999, &position->fullmove);
    return position_settle(position);
}

/* ---- SAN ---- */

#define ANY 8

/* What a written move says; files and ranks that it does not say are ANY. */
struct written {
    uint8_t kind; /* NOTHING: any, as both squares are there */
    uint8_t from_file, from_rank, to_file, to_rank, promotion;
    int8_t castling; /* files that the king goes, or 0 */
};

static uint8_t scan_kind(struct scan *text, const char *letters) {
    for (uint8_t i = 0; letters[i]; i++)
        if (scan_character(text, (uint8_t)letters[i])) return KNIGHT + i;
    return NOTHING;
}

static uint8_t scan_in(struct scan *text, uint32_t first) {
    uint32_t i = scan_peek(text) - first;
    return i < 8 ? text->at++, (uint8_t)i : ANY;
}

/* One of several words, of which none begins with an earlier one; NULL: none. */
static const char *scan_one_of(struct scan *text, const char *const *words, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (scan_word(text, words[i])) return words[i];
    return NULL;
}

static bool scan_castles(struct scan *text, struct written *written) {
    static const char *const FORMS[] = {"o-o-o", "0-0-0", "o-o", "0-0"};
    const char *form = scan_one_of(text, FORMS, 4);
    if (form) *written = (struct written){.kind = KING, .castling = form[3] ? -2 : 2};
    return form;
}

/* Letters and digits of a move; its first square is the last, if there is only one. Which of the parts are there, the
 * caller sees. */
static void scan_parts(struct scan *text, struct written *written) {
    uint8_t kind = scan_kind(text, "NBRQK");
    written->from_file = scan_in(text, 'a');
    bool begun = kind || written->from_file != ANY; /* "2" and "x" are no moves */
    written->from_rank = begun ? scan_in(text, '1') : ANY;
    bool apart = begun && (scan_character(text, 'x') || scan_character(text, '-'));
    written->to_file = scan_in(text, 'a'), written->to_rank = scan_in(text, '1');
    if (!apart && written->to_file == ANY) {
        written->to_file = written->from_file, written->to_rank = written->from_rank;
        written->from_file = written->from_rank = ANY;
    }
    bool from_square = written->from_file != ANY && written->from_rank != ANY;
    written->kind = kind ? kind : from_square ? NOTHING : PAWN; /* "g1f3" says enough */
    if (kind || written->to_rank == ANY) return;
    bool equals = scan_character(text, '=');
    uint32_t before = text->at;
    written->promotion = scan_kind(text, "NBRQ");
    if (!written->promotion && (equals || from_square)) written->promotion = scan_kind(text, "nbrq");
    if (!equals && is_letter(scan_peek(text))) text->at = before, written->promotion = NOTHING;
}

static void scan_signs(struct scan *text) {
    for (uint32_t c; c = scan_peek(text), c == '+' || c == '#' || c == '!' || c == '?';) text->at++;
}

static bool matches(const struct written *written, struct move move) {
    bool castles = written->kind == KING && (move.to == move.from + 2 || move.to + 2 == move.from);
    if (castles || written->castling) return castles && written->castling;
    return (written->from_file == ANY || FILE_OF(move.from) == written->from_file) &&
           (written->from_rank == ANY || RANK_OF(move.from) == written->from_rank) &&
           move.promotion == written->promotion;
}

static enum reading find_move(const struct position *position, const struct written *written, struct move *move) {
    struct move moves[MOST_MOVES];
    uint8_t king = position->kings[position->to_move == BLACK];
    uint8_t to = written->castling ? (uint8_t)(king + written->castling) : SQUARE(written->to_file, written->to_rank);
    uint32_t n = position_moves(position, written->kind, to, moves), n_found = 0;
    *move = (struct move){king, to, NOTHING};
    for (uint32_t i = 0; i < n; i++) {
        if (!matches(written, moves[i])) continue;
        *move = moves[i];
        n_found++;
    }
    return n_found == 1 ? LEGAL : n_found ? AMBIGUOUS : ILLEGAL;
}

/* A castling is written when it is whole; until then it looks like its beginning. */
static bool begins_castling(struct scan *text) {
    uint32_t c = lower_case(scan_peek(text));
    if (c != 'o' && c != '0') return false;
    while (lower_case(scan_peek(text)) == c || scan_peek(text) == '-') text->at++;
    return true;
}

enum reading scan_move(struct scan *text, const struct position *position, struct move *move) {
    struct scan after = *text;
    struct written written = {0};
    bool castles = scan_castles(&after, &written), complete = castles;
    if (!castles && !begins_castling(&after)) {
        scan_parts(&after, &written);
        complete = written.to_file != ANY && written.to_rank != ANY;
    }
    bool ends = scan_peek(&after) == NO_CHARACTER;
    if (after.at == text->at || (!complete && !ends)) return NO_MOVE;
    if (complete) scan_signs(&after);
    if (is_letter(scan_peek(&after)) || is_digit(scan_peek(&after))) return NO_MOVE; /* "e4th" */
    enum reading reading = complete ? find_move(position, &written, move) : PENDING;
    /* "O-O" may become "O-O-O", and "e8" "e8=Q". */
    bool last_rank = written.to_rank == 0 || written.to_rank == 7;
    bool may_go_on = castles ? written.castling > 0 : written.kind <= PAWN && last_rank && !written.promotion;
    if (reading == ILLEGAL && ends && may_go_on) reading = PENDING;
    *text = after;
    return reading;
}

/* ---- Movetext ---- */

/* "{ ... }" or "( ... )", which holds others; taken up to the end of the text where it does not close. */
static bool scan_aside(struct scan *text) {
    uint32_t open = scan_peek(text), close = open == '{' ? '}' : ')', depth = 0;
    if (open != '{' && open != '(') return false;
    for (uint32_t c; (c = scan_peek(text)) != NO_CHARACTER;) {
        text->at++;
        if (c == open) depth += !depth || open == '(';
        if (c == close && !--depth) break;
    }
    return true;
}

/* "12." or "12...", but not a number alone; and "$12", a numeric annotation glyph. */
static bool scan_numbering(struct scan *text) {
    struct scan after = *text;
    uint32_t number;
    bool annotation = scan_character(&after, '$');
    if (!scan_number(&after, 0, 9999, &number)) return false;
    if (!annotation && !scan_character(&after, '.')) return false;
    while (!annotation && scan_character(&after, '.')) {}
    return *text = after, true;
}

bool scan_between_moves(struct scan *text) {
    uint32_t start = text->at;
    for (;;) {
        struct scan after = *text;
        scan_spaces(&after);
        if (!scan_numbering(&after) && !scan_aside(&after)) break;
        *text = after;
    }
    return text->at > start;
}

const char *scan_result(struct scan *text) {
    static const char *const RESULTS[] = {"1-0", "0-1", "1/2-1/2", "*"};
    struct scan after = *text;
    scan_spaces(&after);
    const char *result = scan_one_of(&after, RESULTS, 4);
    if (result) *text = after;
    return result;
}
