"""Classes of similar words: what stands for a word in an end of a prompt that nobody saw.

Two words are similar if they stand between the same words: "castle" as "palace", "whispered" as "shouted". So the
ends of prompts that a font knows are of two sorts: of words, and of classes (``the ~secret ~box``). A class is
written as ``~`` and its commonest word; ``~`` alone is any word that is in none.

The method is Schuetze's (Distributional part-of-speech tagging, EACL 1995): a word is a vector of how often each of
the commonest words stands before and behind it; its length is of no meaning; and k-means finds the groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from fontgen.automaton.content.cast import Cast

CLASS = "~"
NEIGHBOURS = 220
"""The commonest words: each is its own class, and what the others are counted by."""
CLASSES = 64
LEAST = 12
"""Occurrences of a word that has a class."""
COMMON = 1500
"""Words, the commonest of those that get a class, among which the groups' first members are chosen."""
DIMENSIONS, ROUNDS = 60, 25


def word_classes(
    texts: Sequence[Sequence[str]], cast: Cast, *, common: int = NEIGHBOURS, groups: int = CLASSES
) -> dict[str, str]:
    """Word to class, for words that occur often enough; the commonest are their own.

    Args:
        texts: words of texts, in lower case; heroes get none.
        common: so many words are their own class.
        groups: classes, at most.
    """
    counts = Counter(word for text in texts for word in text)
    for word in cast.heroes:
        counts.pop(word, None)
    own = [word for word, _ in _most_common(counts) if word[0].isalpha()][:common]
    words = [
        word for word, count in _most_common(counts)
        if count >= LEAST and word[0].isalpha() and word not in own
    ]  # fmt: skip
    if len(words) < 2:
        return {word: word for word in own}
    vectors = _vectors(texts, words, [*own, *'.,!?;:"'], cast)
    found = _groups(vectors, np.log1p([counts[word] for word in words]), groups)
    first: dict[int, str] = {}
    for word, group in zip(words, found, strict=True):
        first.setdefault(int(group), CLASS + word)
    of_group = {word: first[int(group)] for word, group in zip(words, found, strict=True)}
    return {word: word for word in own} | of_group


def similar(word: str, classes: Mapping[str, str]) -> str:
    """The class of a word of a prompt; marks and classes of heroes stand for themselves."""
    return classes.get(word, CLASS if word[0].isalpha() else word)


def _most_common(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _vectors(
    texts: Sequence[Sequence[str]], words: Sequence[str], neighbours: Sequence[str], cast: Cast
) -> np.ndarray:
    """float64 (words, dimensions): square roots of the shares of the neighbours on each side (Hellinger's
    distance), turned so that the first dimensions say most, of length 1."""
    place = {word: n for n, word in enumerate(words)}
    column = {word: n for n, word in enumerate(neighbours)}
    column |= {word: len(neighbours) for word in cast.heroes}
    width = len(neighbours) + 2
    table = np.zeros((len(words), 2 * width))
    for text in texts:
        columns = [column.get(word, width - 1) for word in text]
        for i, word in enumerate(text):
            row = place.get(word)
            if row is not None:
                if i:
                    table[row, columns[i - 1]] += 1
                if i + 1 < len(text):
                    table[row, width + columns[i + 1]] += 1
    roots = np.sqrt(table / np.maximum(table.sum(axis=1, keepdims=True), 1))
    roots -= roots.mean(axis=0)
    _, _, axes = np.linalg.svd(roots[: 2 * COMMON], full_matrices=False)
    vectors = roots @ axes[:DIMENSIONS].T
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))


def _groups(vectors: np.ndarray, weights: np.ndarray, most: int) -> np.ndarray:
    """Group of each vector: k-means by angle, which begins with vectors that are far from each other."""
    seeds = [0]
    far = 1 - vectors[:COMMON] @ vectors[0]
    while len(seeds) < min(most, len(far)):
        seeds.append(int(far.argmax()))
        far = np.minimum(far, 1 - vectors[:COMMON] @ vectors[seeds[-1]])
    centres = vectors[seeds]
    for _ in range(ROUNDS):
        groups = np.asarray((vectors @ centres.T).argmax(axis=1))
        for group in range(len(centres)):
            some = groups == group
            if some.any():
                total = (vectors[some] * weights[some, None]).sum(axis=0)
                centres[group] = total / max(float(np.linalg.norm(total)), 1e-9)
    return groups
