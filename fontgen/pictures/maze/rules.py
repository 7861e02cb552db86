"""Mazes and walks, told a second time for ``fontgen verify``: no drawing, no speed.

Each generator is its textbook algorithm, as in Jamis Buck, Mazes for Programmers (2015), and for Wilson's David Wilson,
"Generating random spanning trees more quickly than the cover time" (1996). Cells are pairs (column, row), row 0 lowest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from ..randomness import Random

METHODS = ("backtracker", "prim", "kruskal", "wilson", "eller")
DIRECTIONS = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""Up, right, down, left: columns and rows to go."""
MOST_COLUMNS, MOST_ROWS, LEAST_SIDE = 64, 48, 2
KEYS = "wasdWASD?"
SEEN, TRAIL, WAY = 1, 2, 4

Cell = tuple[int, int]


class Maze:
    """A perfect maze. ``passages`` holds each passage in both directions."""

    def __init__(self, columns: int, rows: int, method: str, seed: int):
        self.columns, self.rows = columns, rows
        self.cells = [(x, y) for y in range(rows) for x in range(columns)]
        self.passages: set[tuple[Cell, Cell]] = set()
        _GENERATORS[method](self, Random(seed))

    def neighbours(self, cell: Cell) -> Iterator[Cell]:
        """Those within the border, in the order of `DIRECTIONS`."""
        x, y = cell
        for dx, dy in DIRECTIONS:
            if 0 <= x + dx < self.columns and 0 <= y + dy < self.rows:
                yield (x + dx, y + dy)

    def join(self, a: Cell, b: Cell) -> None:
        self.passages |= {(a, b), (b, a)}

    def open_sides(self) -> list[int]:
        """For each cell, row by row, a bit for each of `DIRECTIONS` in which there is no wall."""
        return [
            sum(
                1 << d
                for d, (dx, dy) in enumerate(DIRECTIONS)
                if ((x, y), (x + dx, y + dy)) in self.passages
            )
            for x, y in self.cells
        ]

    def way(self, start: Cell, goal: Cell) -> list[Cell]:
        """The cells from ``start`` to ``goal``, both included: by breadth-first search, so none is shorter."""
        before = {goal: goal}
        waiting = deque([goal])
        while waiting:
            cell = waiting.popleft()
            for following in self.neighbours(cell):
                if following not in before and (cell, following) in self.passages:
                    before[following] = cell
                    waiting.append(following)
        way = [start]
        while way[-1] != goal:
            way.append(before[way[-1]])
        return way


def _backtracker(maze: Maze, random: Random) -> None:
    stack = [maze.cells[random.below(len(maze.cells))]]
    visited = set(stack)
    while stack:
        free = [cell for cell in maze.neighbours(stack[-1]) if cell not in visited]
        if not free:
            stack.pop()
            continue
        chosen = free[random.below(len(free))]
        maze.join(stack[-1], chosen)
        visited.add(chosen)
        stack.append(chosen)


def _take(walls: list, random: Random):
    """A random one; the last takes its place."""
    i = random.below(len(walls))
    walls[i], walls[-1] = walls[-1], walls[i]
    return walls.pop()


def _prim(maze: Maze, random: Random) -> None:
    start = maze.cells[random.below(len(maze.cells))]
    reached = {start}
    walls = [(start, cell) for cell in maze.neighbours(start)]
    while walls:
        cell, beyond = _take(walls, random)
        if beyond not in reached:
            maze.join(cell, beyond)
            reached.add(beyond)
            walls += [(beyond, cell) for cell in maze.neighbours(beyond)]


def _kruskal(maze: Maze, random: Random) -> None:
    part = {cell: {cell} for cell in maze.cells}
    walls = [(a, b) for a in maze.cells for b in maze.neighbours(a) if b > a and b[1] >= a[1]]
    # Of each cell the wall above comes before that to the right.
    while walls:
        a, b = _take(walls, random)
        if part[a] is not part[b]:
            maze.join(a, b)
            part[a] |= part[b]
            for cell in part[b]:
                part[cell] = part[a]


def _wilson(maze: Maze, random: Random) -> None:
    reached = {maze.cells[random.below(len(maze.cells))]}
    for start in maze.cells:
        walk = [start]
        while walk[-1] not in reached:
            x, y = walk[-1]
            dx, dy = DIRECTIONS[random.below(4)]
            step = (x + dx, y + dy)
            if not (0 <= step[0] < maze.columns and 0 <= step[1] < maze.rows):
                continue
            if step in walk:  # a loop: forgotten
                del walk[walk.index(step) + 1 :]
            else:
                walk.append(step)
        for a, b in zip(walk, walk[1:], strict=False):
            maze.join(a, b)
        reached.update(walk)


def _eller(maze: Maze, random: Random) -> None:
    names = list(range(maze.columns))  # of the set that each cell of the row is in
    for y in range(maze.rows):
        last = y == maze.rows - 1
        for x in range(maze.columns - 1):
            if names[x] != names[x + 1] and (last or random.below(2)):
                maze.join((x, y), (x + 1, y))
                gone = names[x + 1]
                names = [names[x] if name == gone else name for name in names]
        if not last:
            names = _eller_up(maze, random, y, names)


def _eller_up(maze: Maze, random: Random, y: int, names: list[int]) -> list[int]:
    """Go up from at least one cell of each set; the names of the sets of the row above."""
    up = set()
    for name in sorted(set(names)):
        members = [x for x in range(maze.columns) if names[x] == name]
        sure = members[random.below(len(members))]
        up |= {x for x in members if x == sure or random.below(2)}
    for x in up:
        maze.join((x, y), (x, y + 1))
    used = {names[x] for x in up}
    free = iter(name for name in range(maze.columns) if name not in used)
    return [names[x] if x in up else next(free) for x in range(maze.columns)]


_GENERATORS: dict[str, Callable[[Maze, Random], None]] = {
    "backtracker": _backtracker,
    "prim": _prim,
    "kruskal": _kruskal,
    "wilson": _wilson,
    "eller": _eller,
}


class Walk:
    """A walk from the lower left to the upper right corner."""

    def __init__(self, maze: Maze):
        self.maze = maze
        self.cell: Cell = (0, 0)
        self.goal: Cell = maze.cells[-1]
        self.steps = 0
        self.marks = dict.fromkeys(maze.cells, 0)
        self._look_around()

    def key(self, key: str) -> None:
        """Walk by one of `KEYS`. At the goal keys change nothing."""
        if self.cell == self.goal:
            return
        if key == "?":
            for cell in self.maze.way(self.cell, self.goal)[:-1]:
                self.marks[cell] |= WAY
            return
        direction = DIRECTIONS["wdsa".index(key.lower())]
        while True:
            beyond = self._beyond(self.cell, direction)
            if beyond is None:
                return
            self.marks[self.cell] |= TRAIL
            self.cell = beyond
            self.steps += 1
            self._look_around()
            if key.islower() or self.cell == self.goal or self._can_turn(direction):
                return

    def _beyond(self, cell: Cell, direction: Cell) -> Cell | None:
        beyond = (cell[0] + direction[0], cell[1] + direction[1])
        return beyond if (cell, beyond) in self.maze.passages else None

    def _can_turn(self, direction: Cell) -> bool:
        across = [other for other in DIRECTIONS if (other[0] == 0) != (direction[0] == 0)]
        return any(self._beyond(self.cell, other) for other in across)

    def _look_around(self) -> None:
        self.marks[self.cell] |= SEEN
        for direction in DIRECTIONS:
            beyond = self._beyond(self.cell, direction)
            while beyond:
                self.marks[beyond] |= SEEN
                beyond = self._beyond(beyond, direction)
