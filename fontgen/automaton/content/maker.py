"""Writes a content file anew: a model tells, filters read, and what passes is put together.

    similar.word_classes         which words are similar
    openings.choose_openings     which ends of prompts, and openings that show them
    bridges.jsonl                how the model continues each opening, greedily; and spare ones where that does not pass
    bodies.jsonl                 what it tells after "One day,", sampled, about each theme and company
    opinions.jsonl               what it thinks of bridges and bodies, nats per token
    whole.jsonl                  whole stories of whole prompts, token for token as the Wasm font tells them greedily
    -> Content

What the model told is appended to files in a working folder, a line a text, so that the work may be
interrupted and goes on where it was; more openings or themes cost only what is new. What is chosen depends on the
texts, the cast and the model alone, not on what the folder held before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fontgen.automaton.content.bodies import (
    COMPANIES,
    BodyReader,
    choose_bodies,
    contexts_of,
    opening_of,
)
from fontgen.automaton.content.bridges import (
    BridgeReader,
    chosen_bridges,
    read_bridges,
    trials,
)
from fontgen.automaton.content.cast import Cast
from fontgen.automaton.content.format import MOST_WORDS, Content, Phrases, Theme
from fontgen.automaton.content.openings import (
    Plan,
    choose_openings,
    known_small_words,
    other_names,
)
from fontgen.automaton.content.similar import CLASS, word_classes
from fontgen.automaton.content.slots import filled, plural
from fontgen.automaton.content.teller import Teller, Told
from fontgen.automaton.content.texts import TextSource
from fontgen.automaton.content.words import SENTENCE_END, plain, words_of
from fontgen.errors import FontgenError
from fontgen.llama.model import Model
from fontgen.progress import Steps

LEAST = ((6, 5, 16, 24), (6, 5, 24, 36))
"""How often an end of 1, 2, 3, 4 words must occur to be known, in prompts without a hero and with one."""
LEAST_EITHER = (math.inf, 9, math.inf, math.inf)
"""The same in all prompts together: then it is known in both sorts of prompts that have it."""
LEAST_SIMILAR = ((25, 60, 90), (25, 60, 90))
"""The same for ends of 2, 3, 4 classes of words."""
LEAST_VOTES = 2
"""Of so many openings that end in different words must a bridge for an end of classes be told."""
TRIALS = 500
"""Ends, the commonest, for which the model weighs several bridges."""
BRIDGE_TOKENS, BODY_TOKENS, STORY_TOKENS = 26, 210, 240
TEMPERATURE, TOP_P = 0.5, 0.9
"""Of bodies."""
DRAWS = 6
"""Bodies that are told after each introduction, for each company."""
BODIES = 6
"""Bodies of a theme and company that are kept."""
BORROWED = 3
"""Bodies about anything that a theme gets where a company has none of its own."""
OPINION_WORDS = 40
"""Words of a body about which the model is asked."""


@dataclass(frozen=True)
class Sources:
    """What a content is made from.

    texts: stories, whose beginnings say how prompts end. prompts: whole prompts to tell whole stories of.
    limit: so many openings at most, those of the commonest ends.
    """

    cast: Cast
    texts: Sequence[TextSource]
    prompts: Sequence[str]
    limit: int | None = None


def make_content(model: Model, sources: Sources, folder: Path, steps: Steps) -> Content:
    """Let the model tell and put the content together.

    Args:
        model: any checkpoint that tells stories.
        folder: where what was told is kept between calls; made if it is not there.

    Raises:
        FontgenError: a text cannot be read, or the model told too little that passes.
    """
    cast = sources.cast
    folder.mkdir(parents=True, exist_ok=True)
    steps.begin("Choosing openings")
    stories = [text for source in sources.texts for text in source.beginnings()]
    teller = Teller(model, folder, steps)
    classes = word_classes([words_of(story) for story in stories], cast)
    plan = choose_openings(stories, cast, LEAST, classes, LEAST_SIMILAR, LEAST_EITHER)

    steps.begin("Telling bridges")
    openings = plan.openings[: min(plan.first, sources.limit or plan.first)]
    reader = BridgeReader(cast, openings, other_names(stories, cast))
    ends, similar = _bridges(teller, plan, reader, _told_bridges(teller, plan, openings, reader))

    steps.begin("Telling bodies")
    bodies = _bodies(teller, cast)

    steps.begin("Telling whole stories")
    whole = teller.tell_whole(sources.prompts, STORY_TOKENS)
    stories_of = {
        tuple(words_of(prompt)): story
        for prompt, one in whole.items()
        if (story := whole_story(one))
    }
    card = model.card
    content = Content(
        heroes=dict(cast.heroes),
        default_heroes=cast.default,
        themes=_themes(cast, bodies),
        hero_themes=cast.themes_of_heroes(),
        ends_without_hero=ends[0],
        ends_with_hero=ends[1],
        similar_without_hero=similar[0],
        similar_with_hero=similar[1],
        classes=_used_classes(classes, similar),
        alone=cast.alone,
        openings=stories_of,
        under_way=cast.under_way,
        phrases=Phrases(),
        known_words=known_small_words(stories, cast),
        model={
            "name": card.name,
            "license": card.license,
            "description": card.description,
            "sha256": card.sha256,
        },
    )
    content.check()
    return content


def _told_bridges(
    teller: Teller, plan: Plan, openings: Sequence[str], reader: BridgeReader
) -> dict[str, str]:
    """What the model says after openings; if these are all, also after spare ones where it does not pass."""
    told = _tell_bridges(teller, openings)
    if len(openings) == plan.first:
        read = read_bridges(plan.known, plan.openings, told, reader)
        lacking = [one for one in plan.known if one.end not in read]
        spare = {plan.openings[number] for one in lacking for number in one.spare}
        told |= _tell_bridges(teller, sorted(spare - told.keys()))
    return told


def _tell_bridges(teller: Teller, openings: Sequence[str]) -> dict[str, str]:
    """What the model says after openings, greedily, up to the end of a sentence."""
    told = teller.tell("bridges", [(o, 0) for o in openings], BRIDGE_TOKENS, sentence=True)
    return {opening: one.text for (opening, _), one in told.items()}


_Ends = tuple[dict[tuple[str, ...], str], dict[tuple[str, ...], str]]


def _bridges(
    teller: Teller, plan: Plan, reader: BridgeReader, told: dict[str, str]
) -> tuple[_Ends, _Ends]:
    """Bridges of the ends of words and of the ends of classes."""
    chosen = []
    for known, least_votes in ((plan.known, 1), (plan.similar, LEAST_VOTES)):
        choices = read_bridges(known, plan.openings, told, reader)
        tried = list(trials(choices, plan.openings, reader, TRIALS))
        nats = teller.weigh(
            [(plan.openings[number], texts) for trial in tried for number, texts in trial.told]
        )
        best = {}
        for trial in tried:
            sums = [
                sum(nats[plan.openings[number], texts[n]] for number, texts in trial.told)
                for n in range(len(trial.candidates))
            ]
            best[trial.end] = trial.candidates[sums.index(min(sums))]
        chosen.append(chosen_bridges(choices, best, least_votes))
    for end, bridge in reader.cast.bridges.items():
        words = tuple(end.split())
        for with_hero in (ends[1] for ends in chosen):
            for longer in [other for other in with_hero if other[-len(words) :] == words]:
                del with_hero[longer]
        chosen[0][1][words] = bridge
    return chosen[0], chosen[1]


def _used_classes(classes: Mapping[str, str], similar: _Ends) -> dict[str, tuple[str, ...]]:
    """The classes that ends have, with their words."""
    used = {word for ends in similar for end in ends for word in end}
    members: dict[str, list[str]] = {}
    for word, name in classes.items():
        if name in used and name.startswith(CLASS):
            members.setdefault(name, []).append(word)
    return {name: tuple(words) for name, words in sorted(members.items())}


def _bodies(teller: Teller, cast: Cast) -> dict[str, dict[str, list[str]]]:
    """Company to theme to bodies."""
    wanted = {
        (theme.name, company.name): [
            (opening_of(introduction, company), seed)
            for introduction in theme.introductions
            for seed in range(DRAWS)
        ]
        for company in COMPANIES
        for theme in cast.themes
    }
    flat = [key for keys in wanted.values() for key in keys]
    told = teller.tell("bodies", flat, BODY_TOKENS, temperature=TEMPERATURE, top_p=TOP_P)
    reader = BodyReader(cast)
    bodies = {}
    for company in COMPANIES:
        candidates = []
        asked: dict[str, list[tuple[str, str]]] = {}
        for theme in cast.themes:
            for key in wanted[theme.name, company.name]:
                one = told.get(key)
                read = reader.read(one.text, one.ended, theme, company) if one else None
                if read is None:
                    continue
                candidates.append((theme.name, read))
                beginning = " ".join(read.text.split()[:OPINION_WORDS])
                asked[read.text] = [
                    (context, " " + filled(beginning, players))
                    for context, players in contexts_of(theme, company)
                ]
        nats = teller.weigh([(p, [text]) for pairs in asked.values() for p, text in pairs])
        likely = {
            text: sum(nats[pair] for pair in pairs) / len(pairs) for text, pairs in asked.items()
        }
        bodies[company.name] = choose_bodies(candidates, BODIES, likely)
    return bodies


def _themes(cast: Cast, bodies: dict[str, dict[str, list[str]]]) -> tuple[Theme, ...]:
    """Themes with their bodies; those with too few borrow from the themes without words, which are about anything."""
    child = bodies["child"]
    general = [
        body for theme in cast.themes if not theme.words for body in child.get(theme.name, [])
    ]
    if not general:
        raise FontgenError("the model told no body that passes and is about anything")
    themes = []
    owned: set[str] = set()
    for number, theme in enumerate(cast.themes):
        own = list(child.get(theme.name, []))
        own += [general[(number + 5 * i) % len(general)] for i in range(BODIES - len(own))]
        told = {"child": tuple(dict.fromkeys(own))}
        for company in ("animal", "friends"):
            some = bodies[company].get(theme.name) or _borrowed(cast, bodies[company], number)
            if some:
                told[company] = tuple(some)
        wanted = (*theme.words, *theme.things, *map(plural, theme.things))
        words = tuple(word for word in dict.fromkeys(wanted) if word not in owned)
        owned.update(words)
        things = tuple(thing for thing in theme.things if thing in words)
        themes.append(Theme(theme.name, words, told, things))
    return tuple(themes)


def _borrowed(cast: Cast, bodies: dict[str, list[str]], number: int) -> list[str]:
    """A few bodies about anything, for a theme of which a company has none."""
    general = [
        body for theme in cast.themes if not theme.words for body in bodies.get(theme.name, [])
    ]
    return [general[(number + 3 * i) % len(general)] for i in range(min(BORROWED, len(general)))]


def whole_story(told: Told) -> str | None:
    """A story that fits a row: of printable ASCII, with its end or cut behind a sentence."""
    text = plain(told.text)
    if not text or not all(" " <= c <= "~" and c not in "{}" for c in text):
        return None
    words = text.split()
    if not told.ended or len(words) > MOST_WORDS:
        ends = list(SENTENCE_END.finditer(" ".join(words[:MOST_WORDS])))
        text = text[: ends[-1].end()] if ends else ""
    lead = " " if told.text[:1] in (" ", "\n") else ""
    return lead + text if text else None


def prompts_in(path: Path) -> list[str]:
    """Whole prompts of a file: a line each, up to a tabulator."""
    try:
        lines: Iterable[str] = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise FontgenError(f"cannot be read: {error.strerror}", path=path) from error
    return [line.split("\t")[0] for line in lines if line.strip()]
