"""Text to token files to batches: as a stream, interrupted, shared by processes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sentencepiece")

import sentencepiece  # noqa: E402

from fontgen.errors import FontgenError  # noqa: E402
from fontgen.llama.documents import SEPARATOR  # noqa: E402
from model.data import overlap  # noqa: E402
from model.data import prepare as preparation  # noqa: E402
from model.data.batches import MASKED, Batches, Prefetcher, Stories  # noqa: E402
from model.data.overlap import HeldOut, opening_of  # noqa: E402
from model.data.prepare import prepare  # noqa: E402
from model.data.shards import ShardWriter, story_starts, token_files, write_tokens  # noqa: E402
from model.data.sources import stories_of  # noqa: E402
from model.data.vocabulary import BOS  # noqa: E402
from model.recipe import Data, Recipe, Source  # noqa: E402

VOCABULARY = Path(__file__).parents[2] / "model" / "tokenizer.model"


def write_text(path: Path, stories: list[str]) -> Source:
    path.write_text(f"\n{SEPARATOR}\n".join(stories))
    return Source(path.stem, path=str(path))


def numbered(count: int, first: int = 0) -> list[str]:
    """Stories that differ from their first letters on."""
    words = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay")
    return [
        " ".join(words[int(digit)] for digit in f"{number:06}") + ".\nThe end of it."
        for number in range(first, first + count)
    ]


def data_of(folder: Path, *sources: Source, **more: object) -> Data:
    return Data(str(folder), 4096, sources, str(VOCABULARY), processes=1, **more)  # type: ignore[arg-type]


def read_back(folder: Path, name: str) -> list[str]:
    tokenizer = sentencepiece.SentencePieceProcessor(str(VOCABULARY))
    told = []
    for path in token_files(folder, name):
        tokens = np.load(path)
        assert tokens.dtype == np.uint16 and tokens[0] == tokens[-1] == BOS
        for first, last in itertools.pairwise(story_starts(tokens)):
            told.append(tokenizer.decode(tokens[first + 1 : last].tolist()))
    return told


def test_shards_hold_the_text_in_its_order(tmp_path: Path) -> None:
    stories = numbered(700)
    source = replace(write_text(tmp_path / "text.txt", stories), valid=True)
    data = data_of(tmp_path / "data", source, shard_tokens=2000, valid_every=50)
    prepare(data)
    assert len(token_files(tmp_path / "data", "text")) > 2
    aside = [story for index, story in enumerate(stories) if index % 50 == 0]
    assert read_back(tmp_path / "data", "valid") == aside
    kept = [story for index, story in enumerate(stories) if index % 50]
    assert read_back(tmp_path / "data", "text") == kept


def test_interrupted_preparation_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written stays as it is, and in the end everything is there once."""
    stories = numbered(1500)
    source = replace(write_text(tmp_path / "text.txt", stories), valid=True)
    data = data_of(tmp_path / "data", source, shard_tokens=3000)
    original = ShardWriter._write

    def fail_at_the_third(writer: ShardWriter, used: int) -> None:
        if writer.n_shards == 2:
            raise KeyboardInterrupt
        original(writer, used)

    with monkeypatch.context() as patch:
        patch.setattr(ShardWriter, "_write", fail_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            prepare(data)
    first = tmp_path / "data" / "text" / "00000.npy"
    before = first.stat().st_mtime_ns
    assert json.loads((first.parent / "progress.json").read_text())["shards"] == 2
    prepare(data)
    assert first.stat().st_mtime_ns == before
    kept = [story for index, story in enumerate(stories) if index % 100]
    assert read_back(tmp_path / "data", "text") == kept
    assert len(read_back(tmp_path / "data", "valid")) == 15

    monkeypatch.setattr(preparation, "stories_of", lambda source: pytest.fail("read again"))
    prepare(data)  # nothing to do
    with pytest.raises(pytest.fail.Exception):
        prepare(replace(data, valid_every=50))


def test_another_vocabulary_makes_other_tokens(tmp_path: Path) -> None:
    source = write_text(tmp_path / "text.txt", numbered(200))
    data = replace(data_of(tmp_path / "data", source), tokenizer=None, vocab_size=300)
    prepare(data)
    before = np.load(tmp_path / "data" / "text" / "00000.npy")
    prepare(data_of(tmp_path / "data", source))
    assert len(np.load(tmp_path / "data" / "text" / "00000.npy")) < len(before)
    assert read_back(tmp_path / "data", "text") == numbered(200)


def test_what_came_before_or_is_held_out_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_text(tmp_path / "first.txt", numbered(20))
    again = [story.upper().replace(" ", "  ") for story in numbered(20)[5:10]]
    second = write_text(tmp_path / "second.txt", [*again, *numbered(5, first=100)])
    words = " ".join(f"word{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
    copied = f"Another beginning. {words.replace('word', 'w')} and it was over."
    held_out = write_text(tmp_path / "heldout.txt", [*numbered(3, first=100), copied])
    third = write_text(tmp_path / "third.txt", [f"Not quite so. {copied[20:]}", "A new story."])
    data = data_of(tmp_path / "data", first, second, third, leave_out=(held_out.path,))
    prepare(data)
    assert read_back(tmp_path / "data", "first") == numbered(20)
    assert read_back(tmp_path / "data", "second") == numbered(2, first=103)
    assert read_back(tmp_path / "data", "third") == ["A new story."]
    assert opening_of("The cat, sat!") == opening_of("the CAT sat")
    assert not HeldOut([]).holds("anything")
    yardstick = tmp_path / "yardstick.npy"
    np.save(yardstick, np.array([opening_of(copied)], dtype=np.uint64))
    monkeypatch.setattr(overlap, "YARDSTICK", yardstick)
    assert HeldOut([]).holds(copied) and not HeldOut([]).holds("anything")


def test_blank_lines_and_names(tmp_path: Path) -> None:
    source = write_text(tmp_path / "text.txt", ["Lily ran.\nShe fell.", "A fox ran.\nIt fell."])
    also = replace(source, name="also", blank_lines="also")
    only = replace(source, name="only", blank_lines="only", renamed=1)
    prepare(data_of(tmp_path / "data", also, only, deduplicate=False))
    both = read_back(tmp_path / "data", "also")
    assert both[1] == both[0].replace("\n", "\n\n") == "Lily ran.\n\nShe fell."
    told, renamed = (read_back(tmp_path / "data", name) for name in ("only", "only-renamed"))
    assert told == [both[1], "A fox ran.\n\nIt fell."]
    assert renamed[0] != told[0] and renamed[0].endswith(" ran.\n\nShe fell.")
    assert renamed[1] == told[1]
    assert not (tmp_path / "data" / "also-renamed").exists()


def test_unknown_text_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.txt"):
        prepare(data_of(tmp_path, Source("text", path=str(tmp_path / "nowhere.txt"))))


def test_a_million_stories_are_never_held_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an endless source, no more is read than what is written and what waits for the other processes."""
    read = 0

    def endless(source: Source) -> Iterator[str]:
        nonlocal read
        for story in numbered(100_000):
            read += 1
            yield story

    waiting: list[int] = []
    original = ShardWriter.add

    def watch(writer: ShardWriter, stories: list[np.ndarray], used: int) -> None:
        original(writer, stories, used)
        waiting.append(read - used)
        if len(waiting) == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(preparation, "stories_of", endless)
    monkeypatch.setattr(ShardWriter, "add", watch)
    with pytest.raises(KeyboardInterrupt):
        prepare(data_of(tmp_path, Source("text", path=str(VOCABULARY))))
    assert max(waiting) <= 6 * preparation.CHUNK


def stories_in(folder: Path, count: int, files: int = 2) -> list[np.ndarray]:
    """Write random stories as ``files`` shards of the source ``text``."""
    rng = np.random.default_rng(5)
    stories = [
        np.array([BOS, *rng.integers(3, 4000, rng.integers(3, 90))], dtype=np.uint16)
        for _ in range(count)
    ]
    for index in range(files):
        write_tokens(folder / "text" / f"{index:05}.npy", stories[index::files])
    return stories


def test_rows_hold_every_token_once(tmp_path: Path) -> None:
    stories_in(tmp_path, 300)
    source = Stories(token_files(tmp_path, "text"), 50, seed=1)
    tokens = [np.load(path) for path in source.files]
    rows = [source.fill(pieces) for pieces in source.rows(0)]
    targets = np.concatenate([row.targets for row in rows])
    all_tokens = np.concatenate([each[1:] for each in tokens])
    assert sorted(targets[targets != MASKED]) == sorted(all_tokens)
    again = [source.fill(pieces) for pieces in source.rows(0)]
    assert all(np.array_equal(a.inputs, b.inputs) for a, b in zip(rows, again, strict=True))
    other = [source.fill(pieces) for pieces in source.rows(1)]
    assert not all(np.array_equal(a.inputs, b.inputs) for a, b in zip(rows, other, strict=False))
    begins = 0
    for row in rows:
        there = row.targets != MASKED
        for at in np.flatnonzero(there):
            file = tokens[row.files[at]]
            assert row.targets[at] == file[row.places[at]]
            assert row.inputs[at] == file[row.places[at] - 1]
        begins += row.inputs[0] == BOS
    assert begins > 0.6 * len(rows)
    assert (targets == MASKED).mean() < 0.05


def test_processes_share_one_pass(tmp_path: Path) -> None:
    """Each makes its own rows of the batch that one process alone would draw, noise and all."""
    stories_in(tmp_path, 200)
    alone = Batches(tmp_path, 3)
    team = [Batches(tmp_path, 3, rank, 2) for rank in (0, 1)]
    for step in range(6):
        whole = alone.draw(step, {"text": 1.0}, 8, 64, noise=0.1)
        parts = [each.draw(step, {"text": 1.0}, 8, 64, noise=0.1) for each in team]
        assert torch.equal(whole.inputs, torch.cat([part.inputs for part in parts]))
        assert torch.equal(whole.targets, torch.cat([part.targets for part in parts]))
        assert whole.position == parts[0].position == parts[1].position
        assert [part.first for part in parts] == [0, 4]


def test_batches_go_on_where_they_were(tmp_path: Path) -> None:
    """Also with a thread that draws ahead, over the end of an epoch, and for two lengths of row."""
    stories_in(tmp_path, 20)
    arguments = [({"text": 1.0}, 4, 32 if step % 2 else 64) for step in range(12)]
    first = Prefetcher(Batches(tmp_path, 3))
    drawn = [
        first.draw(step, *arguments[step], ahead=arguments[step + 1] if step < 11 else None)
        for step in range(12)
    ]
    first.close()
    assert drawn[-1].position["text 64"][0] > 0
    for step in (1, 5, 8):
        later = Batches(tmp_path, 3)
        later.go_to(drawn[step - 1].position)
        for number in range(step, 12):
            batch = later.draw(number, *arguments[number])
            assert torch.equal(batch.inputs, drawn[number].inputs)
            assert batch.position == drawn[number].position


def test_noise_changes_that_share_of_the_inputs(recipe: Recipe, trained: Path) -> None:
    folder = Path(recipe.data.folder)
    mixture = recipe.train.phases[0].mixture
    plain = Batches(folder, 5).draw(0, mixture, 64, 128)
    noisy = Batches(folder, 5).draw(0, mixture, 64, 128, noise=0.2)
    changed = noisy.inputs != plain.inputs
    assert 0.1 < changed.double().mean() <= 0.2  # some give way to a token of the same kind
    assert not (changed & (plain.inputs == BOS)).any()
    assert torch.isin(noisy.inputs, plain.inputs).all()
    assert torch.equal(plain.targets, noisy.targets)


def test_a_source_that_may_be_missing(tmp_path: Path) -> None:
    stories_in(tmp_path, 20)
    batches = Batches(tmp_path, 3)
    assert batches.present({"text": 0.5, "told?": 0.5}) == {"text": 0.5}
    np.save(tmp_path / "told.npy", np.array([BOS], dtype=np.uint16))
    assert batches.present({"text": 0.5, "told?": 0.5}) == {"text": 0.5}
    (tmp_path / "told.npy").unlink()
    with pytest.raises(FileNotFoundError, match="told"):
        batches.present({"told": 1.0})


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_rows_of_a_data_set(tmp_path: Path, kind: str) -> None:
    datasets = pytest.importorskip("datasets")
    told = [*numbered(5), "  ", numbered(1, first=9)[0]]
    path = tmp_path / f"stories.{kind}"
    table = datasets.Dataset.from_dict({"story": told, "number": list(range(len(told)))})
    table.to_json(path) if kind == "jsonl" else table.to_parquet(path)
    source = Source("rows", path=str(path), column="story", most=4)
    assert list(stories_of(source)) == numbered(4)
    assert list(stories_of(replace(source, most=None))) == [*numbered(5), numbered(1, first=9)[0]]
    with pytest.raises(FontgenError, match="no text in the column text"):
        list(stories_of(replace(source, column="text")))
    with pytest.raises(FontgenError, match="no text in the column number"):
        list(stories_of(replace(source, column="number")))
