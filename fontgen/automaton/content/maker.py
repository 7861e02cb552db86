"""Writes a content file anew: a model tells, filters read, and what passes is put together.

    openings.choose_openings     which ends of prompts, and openings that show them
    bridges.jsonl                how the model continues each opening, greedily
    bodies.jsonl                 what it tells after "One day,", sampled, about each theme
    prompts.jsonl                whole stories of whole prompts, greedily
    -> Content

What the model told is appended to files in a working folder, a line a text, so that the work may be
interrupted and goes on where it was; more openings or themes cost only what is new.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fontgen.automaton.content.bodies import BodyReader, choose_bodies, opening_of
from fontgen.automaton.content.bridges import BridgeReader, choose_bridges
from fontgen.automaton.content.cast import Cast
from fontgen.automaton.content.decoder import Decoder, Job
from fontgen.automaton.content.format import MOST_WORDS, Content, Phrases, Theme
from fontgen.automaton.content.openings import choose_openings, known_small_words, other_names
from fontgen.automaton.content.texts import TextSource
from fontgen.automaton.content.words import SENTENCE_END, plain, words_of
from fontgen.errors import FontgenError
from fontgen.llama.model import Model
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.progress import Steps

LEAST = ((2, 2, 6, 8), (2, 2, 8, 14))
"""How often an end of 1, 2, 3, 4 words must occur to be known, in prompts without a hero and with one."""
BRIDGE_TOKENS, BODY_TOKENS, STORY_TOKENS = 26, 210, 240
TEMPERATURE, TOP_P = 0.65, 0.9
"""Of bodies."""
DRAWS = 11
"""Bodies that are told after each introduction."""
BODIES = 6
"""Bodies of a theme that are kept."""
_FLUSH = 64


@dataclass(frozen=True)
class Told:
    """What a model told after a prompt; ``ended``: it ended the text itself."""

    text: str
    ended: bool


class Teller:
    """A model that tells, and remembers what it told in a file of each kind.

    Args:
        model: float32 tensors.
        folder: for the files.
        steps: where progress is reported.
    """

    def __init__(self, model: Model, folder: Path, steps: Steps):
        self.decoder, self.folder, self.steps = Decoder(model), folder, steps
        self.tokenizer = ReferenceTokenizer(model.vocabulary)
        self.bos = model.vocabulary.bos or 0
        pieces = [self.tokenizer.decode(token) for token in range(model.config.vocab_size)]
        self._enders = {n for n, piece in enumerate(pieces) if set(piece) & set(b".!?")}

    def tell(
        self,
        kind: str,
        wanted: Sequence[tuple[str, int]],
        most: int,
        *,
        temperature: float = 0.0,
        sentence: bool = False,
    ) -> dict[tuple[str, int], Told]:
        """What the model tells after prompts.

        Args:
            kind: names the file.
            wanted: prompts, each with the seed of its draws.
            most: tokens at most.
            sentence: stop one token after a sentence may have ended.
        """
        path = self.folder / f"{kind}.jsonl"
        known = dict(_read_lines(path))
        missing = [key for key in dict.fromkeys(wanted) if key not in known]
        stop: Callable[[list[int]], bool] = self._after_sentence if sentence else lambda new: False
        jobs = (
            Job(number, [self.bos, *self.tokenizer.encode(prompt)], most, seed, temperature, TOP_P)
            for number, (prompt, seed) in enumerate(missing)
        )
        with path.open("a", encoding="utf-8") as file:
            for done, job in enumerate(self.decoder.continuations(jobs, stop), 1):
                text = b"".join(map(self.tokenizer.decode, job.new)).decode(errors="replace")
                prompt, seed = missing[job.number]
                known[prompt, seed] = Told(text, job.ended)
                line = {"prompt": prompt, "seed": seed, "text": text, "ended": job.ended}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                if done % _FLUSH == 0:
                    file.flush()
                self.steps.detail(f"{kind} ({done}/{len(missing)})")
        return {key: known[key] for key in wanted if key in known}

    def _after_sentence(self, new: list[int]) -> bool:
        return len(new) > 1 and new[-2] in self._enders


def _read_lines(path: Path) -> Iterator[tuple[tuple[str, int], Told]]:
    """What was told before; a line that an interruption cut short is told again."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            told = json.loads(line)
            yield (told["prompt"], told["seed"]), Told(told["text"], told["ended"])
        except (ValueError, KeyError, TypeError):
            continue


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
    told_before = {key[0] for key, _ in _read_lines(folder / "bridges.jsonl")}
    openings, known = choose_openings(stories, cast, LEAST, told_before)
    names = other_names(stories, cast)

    steps.begin("Telling bridges")
    wanted = [(opening, 0) for opening in openings[: sources.limit]]
    told = teller.tell("bridges", wanted, BRIDGE_TOKENS, sentence=True)
    reader = BridgeReader(cast, openings, names)
    texts = {prompt: one.text for (prompt, _), one in told.items()}
    ends = choose_bridges(known, openings, texts, reader)

    steps.begin("Telling bodies")
    bodies = _bodies(teller, cast)

    steps.begin("Telling whole stories")
    whole = teller.tell("prompts", [(prompt, 0) for prompt in sources.prompts], STORY_TOKENS)
    stories_of = {
        tuple(words_of(prompt)): story
        for (prompt, _), one in whole.items()
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


def _bodies(teller: Teller, cast: Cast) -> dict[str, list[str]]:
    wanted: dict[str, list[tuple[str, int]]] = {}
    for theme in cast.themes:
        wanted[theme.name] = [
            (opening_of(introduction), seed)
            for introduction in theme.introductions
            for seed in range(DRAWS)
        ]
    flat = [key for keys in wanted.values() for key in keys]
    told = teller.tell("bodies", flat, BODY_TOKENS, temperature=TEMPERATURE)
    reader = BodyReader(cast)
    candidates = []
    for theme in cast.themes:
        for key in wanted[theme.name]:
            if key in told:
                read = reader.read(told[key].text, told[key].ended, theme)
                if read is not None:
                    candidates.append((theme.name, read))
    return choose_bodies(candidates, BODIES)


def _themes(cast: Cast, bodies: dict[str, list[str]]) -> tuple[Theme, ...]:
    """Themes with their bodies; those with too few borrow from the themes without words, which are about anything."""
    general = [
        body for theme in cast.themes if not theme.words for body in bodies.get(theme.name, [])
    ]
    if not general:
        raise FontgenError("the model told no body that passes and is about anything")
    themes = []
    owned: set[str] = set()
    for number, theme in enumerate(cast.themes):
        own = list(bodies.get(theme.name, []))
        own += [general[(number + 5 * i) % len(general)] for i in range(BODIES - len(own))]
        words = tuple(word for word in theme.words if word not in owned)
        owned.update(words)
        themes.append(Theme(theme.name, words, tuple(dict.fromkeys(own))))
    return tuple(themes)


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
