"""Asking a font questions."""

from __future__ import annotations

import json

from support.llama_fonts import font_data
from support.tiny_models import random_model

from fontgen.llama.marks import SHOWS_NOTHING
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.continuation import ReferenceContinuer
from model.evaluation import answers
from model.evaluation.answers import Question, ask, read_questions


def test_an_answer_is_right_when_one_of_the_words_stands_in_it():
    question = Question("How many legs has a spider?", "eight|8")
    assert question.answered_by("A spider has Eight legs.")
    assert question.answered_by("8!")
    assert not question.answered_by("Eighteen, or 18.")


def test_there_are_fifty_questions():
    questions = read_questions()
    assert len({question.text for question in questions}) == len(questions) == 50
    assert all(question.wanted for question in questions)


def test_a_font_is_asked(tmp_path, capsys):
    model = quantise(random_model(context_length=128))
    font = tmp_path / "tiny.ttf"
    font.write_bytes(font_data(model))
    question = "abc"
    typed = question + "!" * (3 + answers.MOST_TOKENS)
    shown = ReferenceContinuer(model).continue_text(typed).characters
    expected = "".join(c for c, cluster in shown if cluster >= len(question) and c != SHOWS_NOTHING)
    (answer,) = ask(font, [Question(question, "xyz")])
    assert answer.answer == expected.strip() and not answer.right
    (tmp_path / "questions.tsv").write_text(f"{question}\txyz\n")
    arguments = [str(font), "--questions", str(tmp_path / "questions.tsv"), "--json"]
    assert answers.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)[0]["answer"] == answer.answer
    assert answers.main([str(tmp_path / "absent.ttf")]) == 2
