"""The rules of chess and its notation, told a second time for ``fontgen verify``: no drawing, no speed.

Sources: FIDE Laws of Chess (2023), articles 3 and 5.2.2; Portable Game Notation Specification (1994), 8.2.3 for
moves and 16.1 for positions. A square is a pair (file, rank), both from 0; a piece is a letter as in FEN, capital for
white.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
READINGS = ("no move", "pending", "illegal", "ambiguous", "legal")

Square = tuple[int, int]

_STRAIGHT = ((0, 1), (1, 0), (0, -1), (-1, 0))
_DIAGONAL = ((1, 1), (1, -1), (-1, -1), (-1, 1))
_KNIGHT = ((1, 2), (2, 1), (2, -1), (1, -2), (-1, -2), (-2, -1), (-2, 1), (-1, 2))
_STEPS = {
    "n": _KNIGHT,
    "b": _DIAGONAL,
    "r": _STRAIGHT,
    "q": _STRAIGHT + _DIAGONAL,
    "k": _STRAIGHT + _DIAGONAL,
}
_ROOKS = {(7, 0): "K", (0, 0): "Q", (7, 7): "k", (0, 7): "q"}
"""Where each right to castle has its rook."""


@dataclass(frozen=True)
class Move:
    start: Square
    end: Square
    promotion: str = ""
    """A small letter, or empty."""


@dataclass
class Position:
    board: dict[Square, str]
    white_to_move: bool = True
    castling: str = ""
    """The rights that are left, of ``KQkq``."""
    en_passant: Square | None = None
    """Behind a pawn that has just gone two squares."""
    halfmoves: int = 0
    fullmove: int = 1
    _legal: list[Move] | None = field(default=None, compare=False, repr=False)

    @classmethod
    def from_fen(cls, fen: str = START) -> Position:
        """A position by its FEN, of which fields may be left off behind the first.

        Raises:
            ValueError: it is no FEN, or the position cannot be.
        """
        rows, *fields = fen.split()
        fields += ["w", "-", "-", "0", "1"][len(fields) :]
        board: dict[Square, str] = {}
        for rank, row in zip(range(7, -1, -1), rows.split("/"), strict=True):
            squares = "".join("." * int(c) if c.isdigit() else c for c in row)
            if not re.fullmatch(r"[.pnbrqkPNBRQK]{8}", squares):
                raise ValueError(f"{row!r} is no rank of a board")
            board |= {(file, rank): c for file, c in enumerate(squares) if c != "."}
        if fields[0] not in ("w", "b"):
            raise ValueError(f"{fields[0]!r} is not w or b")
        position = cls(
            board,
            fields[0] == "w",
            "".join(c for c in "KQkq" if c in fields[1]),
            None if fields[2] == "-" else _square(fields[2]),
            int(fields[3]),
            int(fields[4]),
        )
        position._settle()
        return position

    def _settle(self) -> None:
        pieces = list(self.board.values())
        pawns_at_home = any(rank in (0, 7) and c in "pP" for (_, rank), c in self.board.items())
        if pieces.count("k") != 1 or pieces.count("K") != 1 or pawns_at_home:
            raise ValueError("it takes a king each, and no pawn stands on the first or last rank")
        if replace(self, white_to_move=not self.white_to_move, _legal=None).is_check():
            raise ValueError("who is not to move is in check")
        for (file, rank), right in _ROOKS.items():
            king, rook = ("K", "R") if rank == 0 else ("k", "r")
            if self.board.get((4, rank)) != king or self.board.get((file, rank)) != rook:
                self.castling = self.castling.replace(right, "")
        if self.en_passant:
            file, rank = self.en_passant
            ahead = 1 if self.white_to_move else -1
            pawn = "p" if self.white_to_move else "P"
            behind = {(file, rank), (file, rank + ahead)} & self.board.keys()
            if (
                rank != (5 if self.white_to_move else 2)
                or behind
                or self.board.get((file, rank - ahead)) != pawn
            ):
                self.en_passant = None

    def is_own(self, piece: str) -> bool:
        return piece.isupper() == self.white_to_move

    def is_check(self) -> bool:
        """Whether the king of who is to move is attacked."""
        return self._is_attacked(self._king())

    def _king(self) -> Square:
        king = "K" if self.white_to_move else "k"
        return next(square for square, piece in self.board.items() if piece == king)

    def _is_attacked(self, target: Square) -> bool:
        """By the side that is not to move."""
        return any(
            target in self._attacks(square, piece)
            for square, piece in self.board.items()
            if not self.is_own(piece)
        )

    def _attacks(self, square: Square, piece: str) -> Iterator[Square]:
        """Squares that a piece attacks, within the board or not."""
        file, rank = square
        if piece in "pP":
            ahead = 1 if piece == "P" else -1
            yield from ((file - 1, rank + ahead), (file + 1, rank + ahead))
            return
        for dx, dy in _STEPS[piece.lower()]:
            x, y = file + dx, rank + dy
            yield (x, y)
            while piece in "bBrRqQ" and 0 <= x < 8 and 0 <= y < 8 and (x, y) not in self.board:
                x, y = x + dx, y + dy
                yield (x, y)

    # Moves

    def legal_moves(self) -> list[Move]:
        if self._legal is None:
            self._legal = [move for move in self._moves() if not self._leaves_king(move)]
        return self._legal

    def _leaves_king(self, move: Move) -> bool:
        after = self.after(move)
        after.white_to_move = self.white_to_move
        return after.is_check()

    def _moves(self) -> Iterator[Move]:
        for square, piece in sorted(self.board.items()):
            if not self.is_own(piece):
                continue
            if piece in "pP":
                yield from self._pawn_moves(square)
                continue
            for end in self._attacks(square, piece):
                taken = self.board.get(end)
                if _on_board(end) and (taken is None or not self.is_own(taken)):
                    yield Move(square, end)
            if piece in "kK":
                yield from self._castlings(square)

    def _pawn_moves(self, square: Square) -> Iterator[Move]:
        file, rank = square
        ahead, first = (1, 1) if self.white_to_move else (-1, 6)
        ends = []
        if (file, rank + ahead) not in self.board:
            ends.append((file, rank + ahead))
            if rank == first and (file, rank + 2 * ahead) not in self.board:
                ends.append((file, rank + 2 * ahead))
        for end in ((file - 1, rank + ahead), (file + 1, rank + ahead)):
            taken = self.board.get(end)
            if (taken and not self.is_own(taken)) or end == self.en_passant:
                ends.append(end)
        for end in ends:
            for promotion in "nbrq" if end[1] in (0, 7) else ("",):
                yield Move(square, end, promotion)

    def _castlings(self, king: Square) -> Iterator[Move]:
        rank = 0 if self.white_to_move else 7
        for (file, rook_rank), right in _ROOKS.items():
            if right not in self.castling or rook_rank != rank:
                continue
            side = 1 if file == 7 else -1
            between = range(min(4, file) + 1, max(4, file))
            crossed = [(4 + side * i, rank) for i in range(3)]
            if any((x, rank) in self.board for x in between):
                continue
            if not any(self._is_attacked(square) for square in crossed[:2]):
                yield Move(king, crossed[2])

    def after(self, move: Move) -> Position:
        """The position after a move, which must be one of `legal_moves`."""
        board = dict(self.board)
        piece = board.pop(move.start)
        taken = board.pop(move.end, None)
        pawn = piece in "pP"
        if pawn and move.end == self.en_passant:
            del board[move.end[0], move.start[1]]
        if piece in "kK" and abs(move.end[0] - move.start[0]) == 2:
            rank = move.end[1]
            rook, to = (7, 5) if move.end[0] == 6 else (0, 3)
            board[to, rank] = board.pop((rook, rank))
        promoted = move.promotion.upper() if self.white_to_move else move.promotion
        board[move.end] = promoted or piece
        lost = [_ROOKS.get(square, "") for square in (move.start, move.end)]
        for square, rights in (((4, 0), "KQ"), ((4, 7), "kq")):
            if square in (move.start, move.end):
                lost.append(rights)
        two = pawn and abs(move.end[1] - move.start[1]) == 2
        return Position(
            board,
            not self.white_to_move,
            "".join(c for c in self.castling if c not in "".join(lost)),
            (move.start[0], (move.start[1] + move.end[1]) // 2) if two else None,
            0 if pawn or taken else self.halfmoves + 1,
            self.fullmove + (not self.white_to_move),
        )

    def is_dead(self) -> bool:
        """Kings alone, or with one knight or bishop, or with bishops on squares of one colour."""
        others = [(square, c.lower()) for square, c in self.board.items() if c not in "kK"]
        if any(c not in "nb" for _, c in others):
            return False
        knights = [square for square, c in others if c == "n"]
        colours = {(file + rank) % 2 for (file, rank), c in others if c == "b"}
        return len(others) == 1 if knights else len(colours) <= 1

    def read_san(self, text: str) -> tuple[str, Move | None]:
        """One of `READINGS` for a whole move, and the move when it is legal.

        Raises:
            ValueError: the text does not look like a move.
        """
        found = [move for move in self.legal_moves() if self._matches(move, text)]
        if len(found) == 1:
            return "legal", found[0]
        return ("ambiguous" if found else "illegal"), None

    def _matches(self, move: Move, text: str) -> bool:
        piece = self.board[move.start]
        castles = piece in "kK" and abs(move.end[0] - move.start[0]) == 2
        if match := re.fullmatch(r"([Oo0])-\1(-\1)?[+#!?]*", text):
            return castles and move.end[0] == (2 if match[2] else 6)
        match = re.fullmatch(
            r"([NBRQK]?)([a-h]?)([1-8]?)[-x]?([a-h])([1-8])(=?[NBRQnbrq])?[+#!?]*", text
        )
        if match is None:
            raise ValueError(f"{text!r} is no move")
        letter, from_file, from_rank, file, rank, promotion = match.groups()
        if not letter and not (from_file and from_rank):
            letter = "P"
        return (
            (not letter or (piece.upper() == letter and not castles))
            and from_file in ("", "abcdefgh"[move.start[0]])
            and from_rank in ("", str(move.start[1] + 1))
            and move.end == _square(file + rank)
            and move.promotion == (promotion or "").lstrip("=").lower()
        )

    def state(self) -> dict[str, int | list[int]]:
        """The position as the engine's ``inspect_position`` tells it."""
        numbers = {letter: i for i, letter in enumerate(".PNBRQK")}
        squares = [
            numbers[piece.upper()] + 8 * piece.islower()
            for rank in range(8)
            for file in range(8)
            for piece in [self.board.get((file, rank), ".")]
        ]
        return {
            "board": squares,
            "to_move": 0 if self.white_to_move else 8,
            "castling": sum(1 << i for i, c in enumerate("KQkq") if c in self.castling),
            "en_passant": self.en_passant[0] + 8 * self.en_passant[1] if self.en_passant else -1,
            "halfmoves": self.halfmoves,
            "fullmove": self.fullmove,
            "is_check": int(self.is_check()),
            "has_move": int(bool(self.legal_moves())),
            "is_dead": int(self.is_dead()),
        }


def long_algebraic(position: Position, move: Move) -> str:
    """A move so that it can be no other: ``Ng1-f3``, ``e7xd8=Q``, ``O-O``."""
    piece = position.board[move.start]
    if piece in "kK" and abs(move.end[0] - move.start[0]) == 2:
        return "O-O" if move.end[0] == 6 else "O-O-O"
    letter = "" if piece in "pP" else piece.upper()
    takes = "x" if move.end in position.board or move.end == position.en_passant else "-"
    promotion = f"={move.promotion.upper()}" if move.promotion else ""
    start, end = (f"{'abcdefgh'[file]}{rank + 1}" for file, rank in (move.start, move.end))
    return f"{letter}{start}{takes}{end}{promotion}"


def _square(name: str) -> Square:
    return ("abcdefgh".index(name[0]), "12345678".index(name[1]))


def _on_board(square: Square) -> bool:
    return 0 <= square[0] < 8 and 0 <= square[1] < 8
