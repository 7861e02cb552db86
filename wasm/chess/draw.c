/* A chessboard in a line of text, after the moves behind it:
 *
 *     chess:e4 e5 Nf3                the movetext of PGN, with or without numbers, comments and variations
 *     chess(black):1. d4 Nf6         seen from black's side
 *     chess(8/8/8/4k3/8/8/4P3/4K3 w - - 0 1):e4
 *
 * Where a space would break the line, underscores may stand for them. The feature STEP shows the board after so many
 * moves of either side. */
#include "notation.h"
#include "picture.h"
#include "shapes.h"

const char picture_trigger[] = "chess";

#define BOARD_X 60 /* beside it stand the ranks, and under it the files */
#define FILES_Y (-60)
#define NEWS_Y (-150)
#define MOST_PLIES 2048

struct game {
    struct position position;
    bool from_black;
    enum reading reading;        /* of the move read last */
    struct move last;            /* played, or not to be played */
    uint32_t n_moves;            /* played */
    uint32_t number;             /* of the move read last */
    uint8_t mover;               /* WHITE or BLACK: who has it */
    uint32_t last_at, last_end;  /* where it is written */
    const char *result;          /* written, or NULL */
};

/* ---- What is drawn ---- */

static void put(struct picture *picture, const struct game *game, uint32_t shape, uint32_t square) {
    int32_t file = FILE_OF(square), rank = (int32_t)RANK_OF(square);
    if (game->from_black) file = 7 - file, rank = 7 - rank;
    picture_put(picture, shape, BOARD_X + file * CELL, rank * CELL);
}

static void draw_board(struct picture *picture, const struct game *game) {
    const struct position *position = &game->position;
    bool illegal = game->reading == ILLEGAL || game->reading == AMBIGUOUS;
    picture_put(picture, SHAPE_BOARD, BOARD_X, 0);
    if (game->n_moves && !illegal) {
        put(picture, game, SHAPE_MOVED, game->last.from);
        put(picture, game, SHAPE_MOVED, game->last.to);
    }
    if (position_is_check(position)) put(picture, game, SHAPE_CHECK, position->kings[position->to_move == BLACK]);
    for (uint32_t square = 0; square < SQUARES; square++) {
        uint8_t piece = position->board[square];
        uint32_t first = colour_of(piece) == WHITE ? SHAPE_WHITE_PAWN : SHAPE_BLACK_PAWN;
        if (piece) put(picture, game, first + kind_of(piece) - PAWN, square);
    }
    if (illegal) put(picture, game, SHAPE_ILLEGAL, game->last.to);
}

static void draw_names(struct picture *picture, const struct game *game) {
    for (uint32_t i = 0; i < 8; i++) {
        char file[] = {(char)((game->from_black ? 'h' - i : 'a' + i)), 0};
        char rank[] = {(char)((game->from_black ? '8' - i : '1' + i)), 0};
        picture_write(picture, file, BOARD_X + (int32_t)i * CELL + 36, FILES_Y);
        picture_write(picture, rank, 0, (int32_t)i * CELL + 30);
    }
}

/* The last move, as it was typed. */
static void draw_last(struct picture *picture, const struct game *game, const struct scan *text) {
    picture_write_number(picture, game->number);
    picture_write_on(picture, game->mover == BLACK ? "... " : ". ");
    for (uint32_t i = game->last_at; i < game->last_end; i++) picture_write_character(picture, text->text[i].codepoint);
    picture_write_on(picture, " ");
}

static const char *news_of(const struct game *game) {
    const struct position *position = &game->position;
    bool white = position->to_move == WHITE;
    if (game->reading == ILLEGAL) return "is not legal";
    if (game->reading == AMBIGUOUS) return "may be several moves";
    if (game->result) return game->result;
    if (!position_has_move(position))
        return !position_is_check(position) ? "1/2-1/2 stalemate" : white ? "0-1 checkmate" : "1-0 checkmate";
    if (position_is_dead(position)) return "1/2-1/2 nobody can win";
    if (position_is_check(position)) return white ? "White is in check" : "Black is in check";
    return white ? "White to move" : "Black to move";
}

static void draw(struct picture *picture, const struct game *game, const struct scan *text) {
    draw_board(picture, game);
    draw_names(picture, game);
    picture_write(picture, "", BOARD_X, NEWS_Y);
    if (game->last_end > game->last_at) draw_last(picture, game, text);
    if (game->reading != PENDING) picture_write_on(picture, news_of(game));
    picture->width = BOARD_X + 8 * CELL + CELL / 2;
}

/* ---- What was typed ---- */

/* In brackets and divided by commas, a position and the side that is below. */
static bool read_settings(struct scan *text, struct game *game) {
    do {
        if (scan_word(text, "black")) game->from_black = true;
        else if (scan_word(text, "white")) game->from_black = false;
        else if (scan_peek(text) != ')' && !scan_fen(text, &game->position)) return false;
    } while (scan_character(text, ','));
    return scan_character(text, ')');
}

/* Reads one move and plays it. False: no move follows, or none that can be played. */
static bool read_move(struct scan *text, struct game *game) {
    struct scan after = *text;
    struct move move;
    scan_spaces(&after);
    uint32_t start = after.at;
    enum reading reading = scan_move(&after, &game->position, &move);
    if (reading == NO_MOVE) return false;
    *text = after;
    game->reading = reading;
    game->number = game->position.fullmove, game->mover = game->position.to_move;
    game->last_at = start, game->last_end = after.at;
    if (reading != PENDING) game->last = move;
    if (reading != LEGAL) return false;
    position_play(&game->position, move);
    game->n_moves++;
    return true;
}

/* Moves that are not shown must be read all the same, to be hidden. Returns how many there are. */
static uint32_t read_moves(struct scan *text, struct game *game, uint32_t steps) {
    struct game hidden = *game;
    for (uint32_t n = 0; n < MOST_PLIES; n++) {
        if (n == steps) hidden = *game;
        struct game *current = n < steps ? game : &hidden;
        scan_between_moves(text);
        current->result = scan_result(text);
        if (current->result || !read_move(text, current)) return n;
    }
    return MOST_PLIES;
}

bool picture_draw(struct picture *picture, struct scan *text) {
    struct game game = {.reading = LEGAL};
    position_start(&game.position);
    bool settings = scan_character(text, '(');
    if (settings && !read_settings(text, &game)) return false;
    if (!scan_character(text, ':')) return false;
    uint32_t start = text->at;
    picture->n_steps = read_moves(text, &game, picture_step(picture));
    bool nothing = text->at == start || text->text[start].codepoint == ' '; /* "a chess: like this" is no board */
    if (!settings && nothing && start < text->length) return false;
    draw(picture, &game, text);
    return true;
}
