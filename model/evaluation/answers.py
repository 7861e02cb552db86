"""Questions that a font is asked, and how many it answers rightly.

    python -m model.evaluation.answers fonts/smollm.ttf

Each line of ``questions.tsv`` is a question and, behind a tab, what must occur in the answer: words, ``|`` between
those of which one will do. A question is typed, then marks, and the shaper in the font answers as it does in HarfBuzz,
greedily where the font's settings say so. All of them were chosen because the same checkpoint in llama.cpp, greedy,
answers them rightly.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fontgen.check.tokens import open_shaper
from fontgen.errors import FontgenError
from fontgen.llama.marks import MORE, SHOWS_NOTHING
from fontgen.progress import Reporter

QUESTIONS = Path(__file__).with_name("questions.tsv")
MOST_TOKENS = 60
"""Of an answer; what comes later does not count."""


@dataclass(frozen=True)
class Question:
    """What is asked, and a regular expression of the words that a right answer has."""

    text: str
    wanted: str

    def answered_by(self, answer: str) -> bool:
        """Whether one of the words stands in the answer, in capitals or not."""
        return re.search(rf"(?<!\w)(?:{self.wanted})(?!\w)", answer, re.IGNORECASE) is not None


@dataclass(frozen=True)
class Answer:
    """What a font said."""

    question: str
    answer: str
    right: bool


def read_questions(path: Path = QUESTIONS) -> list[Question]:
    """The questions of a file, with the words of a right answer taken literally."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [Question(text, "|".join(map(re.escape, words.split("|")))) for text, words in rows]


def ask(path: Path, questions: Sequence[Question]) -> Iterator[Answer]:
    """What a font answers, one question after the other; raises `FontgenError` for a font that cannot."""
    shaper, settings = open_shaper(path)
    for question in questions:
        typed = question.text + MORE * (settings.kept_marks + MOST_TOKENS)
        shown = shaper.shape(typed)
        said = "".join(c for c, cluster in shown if cluster >= len(question.text))
        said = said.replace(SHOWS_NOTHING, "").strip()
        yield Answer(question.text, said, question.answered_by(said))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m model.evaluation.answers", description="Asks a font fifty questions."
    )
    parser.add_argument("font", type=Path)
    parser.add_argument("--questions", type=Path, default=QUESTIONS, help="question, tab, words")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    try:
        questions = read_questions(options.questions)
        answers = []
        with Reporter().steps(len(questions)) as steps:
            for answer in ask(options.font, questions):
                answers.append(answer)
                steps.begin(f"asking {answer.question!r}")
    except FontgenError as error:
        print(f"answers: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps([asdict(answer) for answer in answers], indent=1, ensure_ascii=False))
        return 0
    for answer in answers:
        print(f"{'right' if answer.right else 'WRONG'}  {answer.question}  {answer.answer}")
    print(f"{sum(answer.right for answer in answers)} of {len(answers)} answered rightly")
    return 0


if __name__ == "__main__":
    sys.exit(main())
