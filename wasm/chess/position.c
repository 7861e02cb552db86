#include "position.h"

#include "memory.h"

/* ---- Where pieces go ---- */

static const int8_t KNIGHT_STEPS[] = {33, 31, 18, 14, -14, -18, -31, -33};
static const int8_t STRAIGHT_THEN_DIAGONAL[] = {16, 1, -16, -1, 17, 15, -15, -17};

static const int8_t *steps_of(uint8_t kind, uint32_t *n) {
    *n = kind == BISHOP || kind == ROOK ? 4 : 8;
    return kind == KNIGHT ? KNIGHT_STEPS : STRAIGHT_THEN_DIAGONAL + (kind == BISHOP ? 4 : 0);
}

static bool slides(uint8_t kind) { return kind == BISHOP || kind == ROOK || kind == QUEEN; }
static int32_t forward(uint8_t colour) { return colour == WHITE ? 16 : -16; }

/* ---- Attacks ---- */

/* Looks from the square in every direction, as all but pawns go back the way that they come. */
static bool is_attacked(const struct position *position, uint32_t square, uint8_t by) {
    const uint8_t *board = position->board;
    for (int32_t side = -1; side <= 1; side += 2) {
        uint32_t from = square - (uint32_t)(forward(by) + side);
        if (!(from & BEYOND) && board[from] == (PAWN | by)) return true;
    }
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t at = square + (uint32_t)KNIGHT_STEPS[i], step = (uint32_t)STRAIGHT_THEN_DIAGONAL[i];
        if (!(at & BEYOND) && board[at] == (KNIGHT | by)) return true;
        for (at = square + step; !(at & BEYOND) && !board[at];) at += step;
        if (at & BEYOND || colour_of(board[at]) != by) continue;
        uint8_t kind = kind_of(board[at]);
        if (kind == QUEEN || kind == (i < 4 ? ROOK : BISHOP) || (kind == KING && at == square + step)) return true;
    }
    return false;
}

static uint8_t opponent(const struct position *position) { return position->to_move ^ BLACK; }

static bool is_king_safe(const struct position *position, uint8_t colour) {
    return !is_attacked(position, position->kings[colour == BLACK], colour ^ BLACK);
}

bool position_is_check(const struct position *position) { return !is_king_safe(position, position->to_move); }

/* ---- Moves ---- */

struct moves {
    const struct position *position;
    uint8_t to; /* no other moves are wanted, unless it is NO_SQUARE */
    struct move *moves;
    uint32_t n;
};

/* A move that would leave the king in check is none. */
static void add(struct moves *moves, uint32_t from, uint32_t to, uint8_t promotion) {
    struct move move = {(uint8_t)from, (uint8_t)to, promotion};
    if (moves->to != to && moves->to != NO_SQUARE) return;
    struct position after = *moves->position;
    position_play(&after, move);
    if (is_king_safe(&after, moves->position->to_move)) moves->moves[moves->n++] = move;
}

static void add_pawn(struct moves *moves, uint32_t from, uint32_t to) {
    if (RANK_OF(to) != 0 && RANK_OF(to) != 7) return add(moves, from, to, NOTHING);
    for (uint8_t kind = KNIGHT; kind <= QUEEN; kind++) add(moves, from, to, kind);
}

static void add_pawn_moves(struct moves *moves, uint32_t from) {
    const struct position *position = moves->position;
    int32_t ahead = forward(position->to_move);
    uint32_t to = from + (uint32_t)ahead, first_rank = position->to_move == WHITE ? 1 : 6;
    if (!position->board[to]) {
        add_pawn(moves, from, to);
        if (RANK_OF(from) == first_rank && !position->board[to + (uint32_t)ahead])
            add(moves, from, to + (uint32_t)ahead, NOTHING);
    }
    for (int32_t side = -1; side <= 1; side += 2) {
        uint32_t taken = to + (uint32_t)side;
        if (taken & BEYOND) continue;
        uint8_t piece = position->board[taken];
        if ((piece && colour_of(piece) != position->to_move) || taken == position->en_passant)
            add_pawn(moves, from, taken);
    }
}

/* A king may castle over free squares that are not attacked, out of no check. */
static void add_castling(struct moves *moves, uint32_t from) {
    const struct position *position = moves->position;
    uint8_t by = opponent(position);
    uint32_t rights = position->to_move == WHITE ? position->castling : position->castling >> 2;
    if (!(rights & 3) || is_attacked(position, from, by)) return;
    const uint8_t *king = position->board + from;
    for (int32_t side = 1; side >= -1; side -= 2) {
        bool is_short = side > 0, free = !king[side] && !king[2 * side] && (is_short || !king[-3]);
        if (free && rights & (is_short ? WHITE_SHORT : WHITE_LONG) && !is_attacked(position, from + (uint32_t)side, by))
            add(moves, from, from + 2 * (uint32_t)side, NOTHING);
    }
}

static void add_piece_moves(struct moves *moves, uint32_t from, uint8_t kind) {
    const struct position *position = moves->position;
    uint32_t n;
    const int8_t *steps = steps_of(kind, &n);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t to = from + (uint32_t)steps[i]; !(to & BEYOND); to += (uint32_t)steps[i]) {
            uint8_t piece = position->board[to];
            if (!piece || colour_of(piece) != position->to_move) add(moves, from, to, NOTHING);
            if (piece || !slides(kind)) break;
        }
    if (kind == KING) add_castling(moves, from);
}

uint32_t position_moves(const struct position *position, uint8_t kind, uint8_t to, struct move *moves) {
    struct moves found = {position, to, moves, 0};
    for (uint32_t from = 0; from < SQUARES; from = (from + 1 + 8) & ~8u) { /* over what is beyond the border */
        uint8_t piece = position->board[from];
        if (!piece || colour_of(piece) != position->to_move || (kind && kind_of(piece) != kind)) continue;
        if (kind_of(piece) == PAWN) add_pawn_moves(&found, from);
        else add_piece_moves(&found, from, kind_of(piece));
    }
    return found.n;
}

bool position_has_move(const struct position *position) {
    struct move moves[MOST_MOVES];
    for (uint8_t kind = KING; kind; kind--)
        if (position_moves(position, kind, NO_SQUARE, moves)) return true;
    return false;
}

/* ---- Playing ---- */

/* The rights that end when something leaves or reaches a square: a king's or a rook's own. */
static uint32_t rights_of(uint32_t square) {
    static const uint8_t OF_FILES[] = {WHITE_LONG, 0, 0, 0, WHITE_SHORT | WHITE_LONG, 0, 0, WHITE_SHORT};
    uint32_t rights = OF_FILES[FILE_OF(square)];
    return RANK_OF(square) == 0 ? rights : RANK_OF(square) == 7 ? rights << 2 : 0;
}

static void shift(uint8_t *board, uint32_t from, uint32_t to) {
    board[to] = board[from];
    board[from] = NOTHING;
}

void position_play(struct position *position, struct move move) {
    uint8_t *board = position->board, piece = board[move.from], colour = position->to_move;
    bool pawn = kind_of(piece) == PAWN;
    position->halfmoves = pawn || board[move.to] ? 0 : position->halfmoves + 1;
    if (pawn && move.to == position->en_passant) board[move.to - (uint32_t)forward(colour)] = NOTHING;
    shift(board, move.from, move.to);
    if (move.promotion) board[move.to] = move.promotion | colour;
    if (kind_of(piece) == KING) {
        position->kings[colour == BLACK] = move.to;
        if (move.to == move.from + 2) shift(board, move.to + 1u, move.to - 1u);
        if (move.to + 2 == move.from) shift(board, move.to - 2u, move.to + 1u);
    }
    bool two_squares = pawn && (move.to == move.from + 32 || move.from == move.to + 32);
    position->en_passant = two_squares ? (uint8_t)((move.from + move.to) / 2) : NO_SQUARE;
    position->castling &= (uint8_t)~(rights_of(move.from) | rights_of(move.to));
    position->fullmove += colour == BLACK;
    position->to_move ^= BLACK;
}

/* ---- Positions ---- */

void position_start(struct position *position) {
    static const uint8_t PIECES[8] = {ROOK, KNIGHT, BISHOP, QUEEN, KING, BISHOP, KNIGHT, ROOK};
    memset(position, 0, sizeof *position);
    for (uint32_t file = 0; file < 8; file++) {
        position->board[SQUARE(file, 0)] = PIECES[file];
        position->board[SQUARE(file, 1)] = PAWN;
        position->board[SQUARE(file, 6)] = PAWN | BLACK;
        position->board[SQUARE(file, 7)] = PIECES[file] | BLACK;
    }
    position->castling = WHITE_SHORT | WHITE_LONG | BLACK_SHORT | BLACK_LONG;
    position->en_passant = NO_SQUARE;
    position->kings[0] = SQUARE(4, 0), position->kings[1] = SQUARE(4, 7);
    position->fullmove = 1;
}

static bool stands(const struct position *position, uint32_t square, uint8_t piece) {
    return position->board[square] == piece;
}

/* Without the king or the rook on its own square there is no right. */
static void settle_castling(struct position *position) {
    static const uint8_t FILES[] = {0, 4, 7}, PIECES[] = {ROOK, KING, ROOK};
    for (uint32_t i = 0; i < 6; i++) {
        uint32_t square = SQUARE(FILES[i / 2], i % 2 ? 7u : 0u);
        if (!stands(position, square, PIECES[i / 2] | (i % 2 ? BLACK : WHITE)))
            position->castling &= (uint8_t)~rights_of(square);
    }
}

/* The pawn stands before the square, and the two squares that it came over are free. */
static void settle_en_passant(struct position *position) {
    uint32_t square = position->en_passant, rank = position->to_move == WHITE ? 5 : 2;
    uint32_t ahead = (uint32_t)forward(position->to_move);
    if (square == NO_SQUARE) return;
    if (RANK_OF(square) != rank || position->board[square] || position->board[square + ahead] ||
        !stands(position, square - ahead, PAWN | opponent(position)))
        position->en_passant = NO_SQUARE;
}

bool position_settle(struct position *position) {
    uint32_t n_kings[2] = {0};
    for (uint32_t square = 0; square < SQUARES; square++) {
        uint8_t piece = position->board[square];
        if (kind_of(piece) == PAWN && (RANK_OF(square) == 0 || RANK_OF(square) == 7)) return false;
        if (kind_of(piece) != KING) continue;
        position->kings[colour_of(piece) == BLACK] = (uint8_t)square;
        n_kings[colour_of(piece) == BLACK]++;
    }
    if (n_kings[0] != 1 || n_kings[1] != 1 || !is_king_safe(position, opponent(position))) return false;
    settle_castling(position);
    settle_en_passant(position);
    return true;
}

bool position_is_dead(const struct position *position) {
    uint32_t n_knights = 0, bishops_on[2] = {0};
    for (uint32_t square = 0; square < SQUARES; square++)
        switch (kind_of(position->board[square])) {
        case NOTHING: case KING: break;
        case KNIGHT: n_knights++; break;
        case BISHOP: bishops_on[(FILE_OF(square) + RANK_OF(square)) % 2]++; break;
        default: return false;
        }
    if (n_knights) return n_knights == 1 && !bishops_on[0] && !bishops_on[1];
    return !bishops_on[0] || !bishops_on[1];
}
