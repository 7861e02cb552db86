"""Chess: the font's own move generator and notation against python-chess."""

from __future__ import annotations

import random

import chess
import pytest

from fontgen.pictures.chess.rules import READINGS, Position
from fontgen.pictures.module import ChessEngine

# https://www.chessprogramming.org/Perft_Results, positions 1 to 5.
PERFT = {
    chess.STARTING_FEN: (20, 400, 8902),
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1": (48, 2039, 97862),
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1": (14, 191, 2812),
    "r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1": (6, 264, 9467),
    "rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8": (44, 1486, 62379),
}


@pytest.mark.parametrize("fen", PERFT)
def test_perft(chess_engine: ChessEngine, fen: str) -> None:
    assert chess_engine.set_fen(fen)
    assert tuple(chess_engine.perft(depth) for depth in (1, 2, 3)) == PERFT[fen]


@pytest.mark.parametrize("fen", PERFT)
def test_perft_in_python(fen: str) -> None:
    def perft(position: Position, depth: int) -> int:
        if depth == 0:
            return 1
        return sum(perft(position.after(move), depth - 1) for move in position.legal_moves())

    position = Position.from_fen(fen)
    assert (perft(position, 1), perft(position, 2)) == PERFT[fen][:2]


def state_of(board: chess.Board) -> dict:
    """What python-chess says, as the engine tells it."""
    pieces = board.piece_map()
    return {
        "board": [
            pieces[square].piece_type + 8 * (not pieces[square].color) if square in pieces else 0
            for square in range(64)
        ],
        "to_move": 0 if board.turn else 8,
        "castling": sum(
            1 << i
            for i, corner in enumerate((chess.H1, chess.A1, chess.H8, chess.A8))
            if board.castling_rights & chess.BB_SQUARES[corner]
        ),
        "en_passant": -1 if board.ep_square is None else board.ep_square,
        "halfmoves": board.halfmove_clock,
        "fullmove": board.fullmove_number,
        "is_check": int(board.is_check()),
        "has_move": int(any(board.legal_moves)),
        "is_dead": int(board.is_insufficient_material()),
    }


def play_games(engine: ChessEngine, games: int, seed: int, longest: int = 200) -> int:
    """Random games, captures preferred so that they end; compares after each move, returns how many moves."""
    source, moves = random.Random(seed), 0
    for _ in range(games):
        board = chess.Board()
        engine.set_fen()
        while not board.is_game_over() and len(board.move_stack) < longest:
            legal = list(board.legal_moves)
            taking = [move for move in legal if board.is_capture(move)]
            move = source.choice(taking if taking and source.random() < 0.3 else legal)
            san = board.san(move)
            assert READINGS[engine.move(san)] == "legal", (board.fen(), san)
            board.push(move)
            moves += 1
            assert engine.state() == state_of(board), board.fen()
    return moves


def test_games_agree_with_python_chess(chess_engine: ChessEngine) -> None:
    assert play_games(chess_engine, games=25, seed=5) > 2000


def test_every_move_is_legal_or_not_as_python_chess_says(chess_engine: ChessEngine) -> None:
    """All that can be written of a move, legal or not, in positions of random games."""
    source = random.Random(2)
    squares = [f"{file}{rank}" for file in "abcdefgh" for rank in "12345678"]
    for _ in range(12):
        board = chess.Board()
        for _ in range(source.randrange(60)):
            if board.is_game_over():
                break
            board.push(source.choice(list(board.legal_moves)))
        fen = board.fen(en_passant="fen")
        for square in squares:
            for piece in "NBRQK":
                found = [
                    move
                    for move in board.legal_moves
                    if move.to_square == chess.parse_square(square)
                    and board.piece_type_at(move.from_square) == " PNBRQK".index(piece)
                    and not board.is_castling(move)
                ]
                assert chess_engine.set_fen(fen)
                expected = "legal" if len(found) == 1 else "ambiguous" if found else "illegal"
                assert READINGS[chess_engine.move(piece + square)] == expected, (
                    fen,
                    piece + square,
                )


@pytest.mark.parametrize(
    "fen, move, reading",
    [
        (chess.STARTING_FEN, "e4", "legal"),
        (chess.STARTING_FEN, "e2e4", "legal"),
        (chess.STARTING_FEN, "e2-e4!?", "legal"),
        (chess.STARTING_FEN, "Ng1-f3", "legal"),
        (chess.STARTING_FEN, "g1f3", "legal"),
        (chess.STARTING_FEN, "Nf3+", "legal"),  # a sign too many is no other move
        (chess.STARTING_FEN, "e5", "illegal"),
        (chess.STARTING_FEN, "O-O", "pending"),  # may become O-O-O
        (chess.STARTING_FEN, "O-O-O", "illegal"),
        (chess.STARTING_FEN, "N", "pending"),
        (chess.STARTING_FEN, "Nf", "pending"),
        (chess.STARTING_FEN, "e4th", "no move"),
        (chess.STARTING_FEN, "hello", "no move"),
        (chess.STARTING_FEN, "x", "no move"),
        ("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", "O-O", "legal"),
        ("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", "0-0-0", "legal"),
        ("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", "e1g1", "legal"),
        ("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", "Kg1", "illegal"),
        ("8/4P3/8/8/8/8/8/k1K5 w - - 0 1", "e8=Q", "legal"),
        ("8/4P3/8/8/8/8/8/k1K5 w - - 0 1", "e8Q", "legal"),
        ("8/4P3/8/8/8/8/8/k1K5 w - - 0 1", "e7e8n", "legal"),
        ("8/4P3/8/8/8/8/8/k1K5 w - - 0 1", "e8", "pending"),
        ("8/4P3/8/8/8/8/8/k1K5 w - - 0 1", "e8=K", "no move"),
        ("4k3/8/8/8/8/8/8/R3K2R w - - 0 1", "Rf1", "legal"),
        ("4k3/8/8/8/8/8/8/R4R1K w - - 0 1", "Rd1", "ambiguous"),
        ("4k3/8/8/8/8/8/8/R4R1K w - - 0 1", "Rad1", "legal"),
    ],
)
def test_notation(chess_engine: ChessEngine, fen: str, move: str, reading: str) -> None:
    assert chess_engine.set_fen(fen)
    assert READINGS[chess_engine.move(move)] == reading


@pytest.mark.parametrize(
    "fen, valid",
    [
        ("8/8/8/8/8/8/8/8 w - - 0 1", False),
        ("kk6/8/8/8/8/8/8/K7 w - - 0 1", False),
        ("k7/8/8/8/8/8/8/KP6 w - - 0 1", False),
        ("k7/R7/8/8/8/8/8/7K w - - 0 1", False),  # who is not to move is in check
        ("k7/8/8/8/8/8/8/7K", True),
        ("k7/8/8/8/8/8/8/7K b", True),
        ("k7/8/8/8/8/8/8/7K_w_-_-_0_1", True),
        ("k7/8/8/8/8/8/8/7K w KQkq e3 0 1", True),  # rights that cannot be are taken away
        ("k7/9/8/8/8/8/8/7K w - - 0 1", False),
        ("k7/8/8/8/8/8/7K w - - 0 1", False),
        ("k7/8/8/8/8/8/8/7K x - - 0 1", False),
    ],
)
def test_positions(chess_engine: ChessEngine, fen: str, valid: bool) -> None:
    assert chess_engine.set_fen(fen) == valid
    if not valid:
        with pytest.raises(ValueError):
            Position.from_fen(fen)
        return
    board = chess.Board(whole_fen(fen))
    assert chess_engine.state() == state_of(board)


def whole_fen(fen: str) -> str:
    """The FEN that python-chess takes: all fields, no right that cannot be."""
    fields = fen.replace("_", " ").split()
    return " ".join([fields[0], fields[1] if len(fields) > 1 else "w", "- - 0 1"])
