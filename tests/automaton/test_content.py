"""The content file, and what the makers of content read and refuse."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from support.small_content import HEROES, small_content
from support.tiny_models import LETTERS, byte_vocabulary, random_model

from fontgen.automaton.content.bodies import (
    ANIMAL,
    CHILD,
    FRIENDS,
    BodyReader,
    Candidate,
    choose_bodies,
)
from fontgen.automaton.content.bridges import BridgeReader, chosen_bridges, read_bridges, trials
from fontgen.automaton.content.cast import NAME, Cast, Hero, Theme, read_cast
from fontgen.automaton.content.decoder import Decoder, Job
from fontgen.automaton.content.delexicalise import delexicalise
from fontgen.automaton.content.format import content_bytes, default_content_path, read_content
from fontgen.automaton.content.openings import End, choose_openings, other_names
from fontgen.automaton.content.opinion import Opinion
from fontgen.automaton.content.similar import similar, word_classes
from fontgen.automaton.content.slots import Players, filled
from fontgen.automaton.content.texts import TextSource, sentences
from fontgen.automaton.content.words import words_of
from fontgen.automaton.machine import machine_of
from fontgen.errors import FontgenError
from fontgen.llama.reference.sampler import greedy
from fontgen.llama.transformer import FloatModel

CAST = Cast({hero.word: hero for hero in HEROES}, ())


@pytest.mark.parametrize("compress", [False, True])
def test_a_content_comes_back_from_its_file(tmp_path: Path, compress: bool) -> None:
    path = tmp_path / ("content.json.xz" if compress else "content.json")
    path.write_bytes(content_bytes(small_content(), compress=compress))
    assert read_content(path) == small_content()


def test_fontgens_own_content_is_whole_and_small() -> None:
    path = default_content_path()
    content = read_content(path)
    assert path.stat().st_size < 3_000_000
    assert len(content.ends_with_hero) + len(content.ends_without_hero) > 30_000


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda d: d.update(version=9), "is version 9"),
        (lambda d: d.update(format="x"), "is no content"),
        (lambda d: d.update(heroes=["lily Lily name"]), "is damaged"),
        (lambda d: d["ends_with_hero"].update({"and": " {nobody} came."}), "holds no slot"),
        (lambda d: d["ends_with_hero"].update({"a b c d e": " came."}), "is no end of a prompt"),
        (lambda d: d.update(default_heroes="fox"), "is not among the names"),
        (lambda d: d["themes"][0].update(bodies={}), "has no body"),
        (lambda d: d["themes"][0]["bodies"].update(robot=["x"]), "has bodies of"),
        (lambda d: d["themes"][0].update(things="sun"), "things that are not its words"),
        (lambda d: d["themes"][1]["bodies"].update(child=["a {thing}"]), "but none"),
        (lambda d: d["themes"][1]["bodies"].update(child=["{friend}"]), "has a friend"),
        (lambda d: d["ends_with_hero"].update({"and": " a {thing}."}), "has a thing"),
        (lambda d: d["ends_with_hero"].update({"the ~green": " tree."}), "has classes of words"),
        (lambda d: d["classes"].update({"~green": "green garden"}), "in two of them"),
        (lambda d: d["classes"].update({"~x": "x.y"}), "is no class"),
        (lambda d: d["themes"][1].update(words="kite"), "is of 'kite' and 'bone'"),
        (lambda d: d["hero_themes"].pop("fox"), "'fox' has none"),
        (lambda d: d.pop("openings"), "KeyError"),
        (
            lambda d: d.update(
                themes=[
                    {"name": f"t{n}", "words": "", "things": "", "bodies": {"child": ["x"]}}
                    for n in range(129)
                ]
            ),
            "129 themes",
        ),
    ],
)
def test_a_content_that_contradicts_itself_names_file_and_cause(tmp_path, change, cause) -> None:
    document = json.loads(content_bytes(small_content(), compress=False))
    change(document)
    path = tmp_path / "content.json"
    path.write_text(json.dumps(document))
    with pytest.raises(FontgenError, match=cause) as caught:
        read_content(path)
    assert caught.value.path == str(path)


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff\xfe", b"{" * 100_000])
def test_a_damaged_content_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "content.json"
    path.write_bytes(data)
    with pytest.raises(FontgenError):
        read_content(path)


def test_the_cast_of_the_project_is_one() -> None:
    cast = read_cast(Path(__file__).parents[2] / "model" / "content" / "cast.toml")
    assert len(cast.heroes) > 500 and len(cast.themes) > 60
    assert set(cast.themes_of_heroes()) == set(cast.heroes)


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("Tim went home. He gave his mom a hat.", "{Hero} went home. {He} gave {his} mom a hat."),
        ('"Tim, come!" she said to him.', '"{Fox}, come!" she said to {him}.'),
        ('"He is late," said Tim.', '"He is late," said {hero}.'),
        ("Tim's ball hit Tim himself.", "{Hero}'s ball hit {hero} {himself}."),
    ],
)
def test_names_and_pronouns_become_slots(text: str, slots: str) -> None:
    tim = Hero("tim", "Tim", NAME, "m")
    assert delexicalise(text, tim, "m") == slots
    assert filled(slots, Players(tim, "m")) == text


def test_her_is_him_or_his() -> None:
    lily = Hero("lily", "Lily", NAME, "f")
    assert (
        delexicalise("Her mom saw her and gave her her hat.", lily, "f")
        == ("{His} mom saw {him} and gave {his} {his} hat.")
        or delexicalise("Her mom saw her.", lily, "f") == "{His} mom saw {him}."
    )


@pytest.mark.parametrize(
    ("opening", "told", "bridge"),
    [
        ("The fox", " was sad. He", " was sad."),
        ("The fox", ", who was sad, ran.", ", who was sad, ran."),
        ("Lily went to", " her mom. She", " {his} mom."),
        ("The fox", " saw Tim. He", None),
        ("The fox", " was very", None),
        ("The fox", "es were sad.", None),
        ('The fox said, "It', " is my hat. He", None),
        ('The fox said, "It is', ' a hat."', " a hat."),
        ('The fox said, "It is', ' a hat," and ran.', None),
        ("The fox", ' said, "Hello. He', None),
        ("The fox", " saw Mr. Bear.", None),
        ("The fox", " ate caf\u00e9.", None),
    ],
)
def test_bridges_for_prompts_with_a_hero(opening: str, told: str, bridge: str | None) -> None:
    reader = BridgeReader(CAST, [], set())
    words = tuple(opening.lower().split())
    assert reader.read(opening, told, End(tuple(words[-2:]), True)) == bridge
    assert (sum(reader.refused.values()) == 0) == (bridge is not None)


@pytest.mark.parametrize(
    ("opening", "told", "bridge"),
    [
        ("In the", " garden it was hot. The", " garden it was hot."),
        ("In the", " house lived a girl named Lily. She", " house lived a {boy} named {hero}."),
        ("There was a", " boy. He", " {boy} named {hero}."),
        ("In the", " garden he was sad.", None),
        ("In the", " garden was a fox.", None),
        ("In the garden", " was very hungry.", None),
        ("All the children", " were very hungry.", " were very hungry."),
        ("In the", " garden Tim met Lily.", None),
    ],
)
def test_bridges_for_prompts_without_a_hero(opening: str, told: str, bridge: str | None) -> None:
    reader = BridgeReader(CAST, [], set())
    assert reader.read(opening, told, End(tuple(opening.lower().split()), False)) == bridge


def test_a_body_must_be_of_tim_alone() -> None:
    reader = BodyReader(CAST)
    theme = Theme("x", (), ())
    words = "Tim saw a tree. He liked it. " * 2
    good = words.replace("a tree", "a {}").format(*("bird", "nest")) + " ".join(
        f"He went to house {n}." for n in range(12)
    ) + " Tim went home."  # fmt: skip
    assert reader.read(" " + good, True, theme, CHILD) is not None
    assert reader.read(" " + good.replace("a bird", "the king"), True, theme, CHILD) is None
    assert reader.read(" " + good.replace("a bird", "Lily"), True, theme, CHILD) is None
    assert reader.read(" " + good.replace("a bird", "his friend, Tim"), True, theme, CHILD) is None
    assert reader.read(" Tim ran.", True, theme, CHILD) is None


def test_friends_and_things_become_slots() -> None:
    told = (
        " found a ball. Tim threw the ball to Sue. She had two balls of her own and gave him one. "
        + " ".join(f"They went to house {n}." for n in range(12))
        + ' Then Tim said to Sue, "Thank you, Sue." Tim and Sue went home. Sue was glad, and Tim, too.'
    )
    read = BodyReader(CAST).read(told, True, Theme("x", ("ball",), (), ("ball", "kite")), FRIENDS)
    assert read is not None
    assert read.text.startswith(
        "{hero} and {friend} found a {thing}. {Hero} threw the {thing} to {friend}. {friend_He} had two {things}"
    )
    assert '"Thank you, {pal}."' in read.text
    mom = told.replace("Then Tim", "Then his mom")
    assert BodyReader(CAST).read(mom, True, Theme("x", (), ()), FRIENDS) is None
    fox = " The fox saw a bird. He liked it. " + " ".join(f"He ran {n} times." for n in range(14))
    fox += " The fox slept. Then the fox woke up."
    read = BodyReader(CAST).read(fox, True, Theme("x", (), ()), ANIMAL)
    assert read is not None and read.text.startswith("{hero} saw a bird. {He} liked it.")


def test_likely_bodies_that_share_little_are_chosen() -> None:
    texts = [f"{{hero}} saw {{hero}} {n} {'the same words again and again ' * 3}" for n in range(3)]
    other = "{hero} and {hero} did what nobody else did, in a wood, by a lake, at night."
    candidates = [("x", Candidate(text, 0)) for text in (*texts, other)]
    nats = dict.fromkeys([*texts, other], 0.5)
    assert other in choose_bodies(candidates, 2, nats)["x"]
    assert other not in choose_bodies(candidates, 2, nats | {other: 5.0})["x"]


def test_quotation_marks_open_and_close_in_turn() -> None:
    assert words_of('"No," he said. \u201cYes') == [
        *("\u201c", "no", ",", "\u201d", "he", "said", ".", "\u201c", "yes")
    ]


def test_words_between_the_same_words_are_similar() -> None:
    texts = []
    for n in range(40):
        texts.append(f"the {('castle', 'palace')[n % 2]} was big".split())
        texts.append(f"they {('ran', 'walked')[n % 2]} very fast".split())
    texts += [f"{word} {word} {word}".split() for word in ("the", "was", "they", "very")] * 20
    classes = word_classes(texts, CAST, common=4, groups=2)
    assert classes["castle"] == classes["palace"] != classes["ran"] == classes["walked"]
    assert classes["the"] == "the" and similar("zog", classes) == "~"
    assert similar("<name>", classes) == "<name>" and similar(".", classes) == "."


def test_ends_of_classes_are_known_by_what_several_openings_say() -> None:
    stories = [f"The fox saw a {word} thing." for word in ("red", "blue", "green", "old")] * 2
    classes = {"the": "the", "saw": "saw", "a": "a"} | dict.fromkeys(
        ("red", "blue", "green", "old"), "~red"
    )
    least = ((1, 1, 1, 1), (1, 1, 1, 1))
    plan = choose_openings(stories, CAST, least, classes, ((1, 1, 1), (1, 1, 1)))
    end = next(one for one in plan.similar if one.end == End(("a", "~red"), True))
    assert end.count == 8
    assert {plan.openings[n].split()[-1] for n in end.openings} == {"red", "blue", "green", "old"}
    told = {o: f" {o.split()[-1]} ball." if o.endswith("old") else " ball." for o in plan.openings}
    reader = BridgeReader(CAST, stories, set())
    choices = read_bridges([end], plan.openings, told, reader)
    assert chosen_bridges(choices, {}, 2)[1] == {("a", "~red"): " ball."}
    assert chosen_bridges(choices, {}, 4)[1] == {}
    trial = next(trials(choices, plan.openings, reader, 1))
    assert trial.candidates == [" ball.", " old ball."] and len(trial.told) == 4
    assert chosen_bridges(choices, {end.end: " old ball."}, 2)[1] == {("a", "~red"): " old ball."}


def test_continuations_side_by_side_are_weighed_as_each_alone() -> None:
    """The mask keeps branches and trees apart: the mean of the losses that one text at a time has."""
    model = random_model(vocabulary=byte_vocabulary(LETTERS), seed=5, context_length=40)
    floats, opinion = FloatModel(model), Opinion(model)
    items = [("abc ab", ["c", " abcab", "ba c"]), ("b", ["b", "c"]), ("ca", [" ab", "a"])] * 9
    for (prompt, texts), weighed in zip(items, opinion.branches(items), strict=True):
        for text, nats in zip(texts, weighed, strict=True):
            tokens, first = opinion.tokens(prompt, text)
            logits = floats.all_logits(tokens[:-1]).astype(np.float64)
            losses = np.log(np.exp(logits).sum(axis=1)) - logits[range(len(logits)), tokens[1:]]
            assert nats == pytest.approx(losses[first - 1 :].mean(), rel=1e-4)
        assert weighed == pytest.approx(opinion.nats([(prompt, text) for text in texts]), rel=1e-4)


def test_ends_that_are_common_in_either_sort_of_prompts_are_known_in_both() -> None:
    stories = ["They ran to a hill.", "They met a fox and ran to a hill."] * 2
    stories += ["Snow fell on the hut."] * 3
    least = ((99, 99, 99, 99), (99, 99, 99, 99))
    plan = choose_openings(stories, CAST, least, least_either=(99, 3, 99, 99))
    known = {(one.end.words, one.end.hero): one for one in plan.known}
    assert known[("to", "a"), False].count == known[("to", "a"), True].count == 2
    assert known[("the", "hut"), True].neutral and not known[("the", "hut"), False].neutral
    assert known[("the", "hut"), True].openings == known[("the", "hut"), False].openings


@pytest.mark.parametrize(
    ("told", "bridge"), [(" and it was cold.", " and it was cold."), (" and he was cold.", None)]
)
def test_a_bridge_for_the_other_sort_of_prompts_is_of_nobody(told: str, bridge: str | None) -> None:
    opening = "Snow fell on the hut"
    reader = BridgeReader(CAST, [opening], set())
    assert reader.read(opening, told, End(("the", "hut"), True), neutral=True) == bridge
    opening = "Snow fell on the fox"
    assert reader.read(opening, told, End(("fell", "on"), False), neutral=True) == bridge
    named = reader.read(opening, " and the fox ran.", End(("fell", "on"), False), neutral=True)
    assert named is None


def test_spare_openings_serve_where_the_first_are_told_badly() -> None:
    stories = ["Snow fell on the hut.", "It rained much on the hut.", "They ran to the hut."]
    least = ((99, 2, 99, 99), (99, 99, 99, 99))
    plan = choose_openings(stories, CAST, least)
    end = next(one for one in plan.known if one.end == End(("the", "hut"), False))
    first, *spare = [plan.openings[number] for number in (*end.openings, *end.spare)]
    assert plan.first <= min(end.spare) and len(spare) == 2
    reader = BridgeReader(CAST, plan.openings, set())
    told = {first: " and", spare[0]: " and he ran.", spare[1]: " and it was cold."}
    choices = read_bridges([end], plan.openings, told, reader)
    assert choices[end.end].candidates == [" and it was cold."]
    told[first] = " of snow."
    choices = read_bridges([end], plan.openings, told, reader)
    assert choices[end.end].candidates == [" of snow."]


def test_sentences_of_a_text_begin_outside_of_quotations(tmp_path: Path) -> None:
    text = 'Mr. Fox slept. "Wake up! It is day," said the old king. He was up at once. They ran.'
    assert list(sentences(text)) == [
        'Mr. Fox slept. "Wake up! It',
        '"Wake up! It is day,"',
        "He was up at once. They ran.",
        "They ran.",
    ]
    path = tmp_path / "texts.txt"
    path.write_text("It was cold. It snowed.\n<|endoftext|>\nThe sun rose. It was a hot day.")
    assert list(TextSource(path).beginnings()) == [
        "It was cold. It snowed.", "The sun rose. It was a hot day."
    ]  # fmt: skip
    assert list(TextSource(path, sentences=True).beginnings()) == [
        "It was cold. It snowed.", "It snowed.", "The sun rose. It was a hot day.", "It was a hot day."
    ]  # fmt: skip


def test_openings_of_the_commonest_ends_come_first() -> None:
    stories = ["The fox ran to Zog.", "The fox ran to Zog.", "A dog met Zog here.", "The fox sat."]
    assert other_names(stories, CAST) == {"zog"}
    plan = choose_openings(stories, CAST, ((1, 9, 9, 9), (2, 2, 9, 9)))
    openings, ends = plan.openings, {one.end.words: one for one in plan.known if one.end.hero}
    assert ("the", "<noun>") in ends and ends["the", "<noun>"].count == 3
    assert ("to", "<name>") in ends
    assert all(openings[n].lower().endswith("fox") for n in ends["the", "<noun>"].openings)


def test_texts_side_by_side_are_told_as_each_alone() -> None:
    model = random_model(vocabulary=byte_vocabulary(LETTERS), seed=3, context_length=24)
    floats = FloatModel(model)
    prompts = [[1, 5, 7], [1], [1, 9, 9, 9, 4], [1, 6], [1, 8, 3]]
    jobs = [Job(n, prompt, 8) for n, prompt in enumerate(prompts)]
    told = {job.number: job for job in Decoder(model, rows=2).continuations(iter(jobs))}
    for number, prompt in enumerate(prompts):
        tokens = list(prompt)
        expected: list[int] = []
        while len(expected) < 8 and len(tokens) <= 24:
            token = greedy(floats.logits(tokens))
            if token in (model.vocabulary.bos, model.vocabulary.eos):
                break
            expected.append(token)
            tokens.append(token)
        assert told[number].new == expected


def test_one_machine_knows_nothing_of_another() -> None:
    first = machine_of(small_content())
    fewer = dataclasses.replace(small_content(), ends_with_hero={("and",): " ran."})
    assert len(machine_of(fewer).ends[1]) == 1 < len(first.ends[1])
    assert machine_of(small_content()) == first
