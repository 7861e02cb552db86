"""`Model`: a Llama checkpoint in memory, whatever file it came from.

This is the first layer of the compiler: readers in `fontgen.llama.checkpoints` make a `Model`, and everything
after them (quantiser, reference, ONNX export) knows only this class.

Tensors carry the names of Meta's release, which llama2.c uses too, with rotary pairs interleaved
(elements ``2i`` and ``2i + 1`` of a head turn together), as in both:

===========================================  ==================================
``tok_embeddings.weight``                    (vocab_size, dim)
``layers.N.attention_norm.weight``           (dim,)
``layers.N.attention.wq.weight``             (n_heads * head_size, dim)
``layers.N.attention.wk.weight``, ``wv``     (n_kv_heads * head_size, dim)
``layers.N.attention.wo.weight``             (dim, n_heads * head_size)
``layers.N.ffn_norm.weight``                 (dim,)
``layers.N.feed_forward.w1.weight``, ``w3``  (hidden_dim, dim): gate, up
``layers.N.feed_forward.w2.weight``          (dim, hidden_dim): down
``norm.weight``                              (dim,)
``output.weight``                            (vocab_size, dim), absent when tied
===========================================  ==================================
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

import numpy as np

from fontgen.errors import FontgenError
from fontgen.llama import limits


class PieceKind(enum.IntEnum):
    """What a vocabulary entry stands for (sentencepiece's types, renumbered for the font table).

    CONTROL: no text is encoded with it, and it shows nothing.
    UNUSED: text is merged through it, as sentencepiece does, and then split again as it was merged.
    NEVER_ENCODED: shows its text, but no text is encoded with it: no merge makes it.
    USER_DEFINED: text is taken for it from left to right, the longest first, before anything merges or is split; it
        merges with nothing. sentencepiece's ``user_defined_symbols``, and what Hugging Face adds to a byte-level one.
    """

    NORMAL = 0
    UNKNOWN = 1
    CONTROL = 2
    BYTE = 3
    UNUSED = 4
    NEVER_ENCODED = 5
    USER_DEFINED = 6


class PreTokenizer(enum.IntEnum):
    """How a text is split before its bytes are merged; no merge crosses a split.

    SENTENCEPIECE does not split: it is another algorithm, which merges code points by the pieces' scores and falls
    back to bytes. The others are byte-level BPE (Radford et al. 2019, "Language Models are Unsupervised Multitask
    Learners", 2.2), named as in llama.cpp (``tokenizer.ggml.pre``), whose regular expressions they are.
    """

    SENTENCEPIECE = 0
    GPT_2 = 1
    SMOLLM = 2
    LLAMA_BPE = 3
    QWEN2 = 4


class CharacterClass(enum.IntEnum):
    """What those expressions know of a character: General_Category L*, N*, and White_Space."""

    OTHER = 0
    LETTER = 1
    NUMBER = 2
    WHITE_SPACE = 3


@dataclass(frozen=True)
class ModelConfig:
    """Hyper-parameters of a Llama transformer, under llama2.c's names.

    ``head_size`` is ``dim // n_heads``. Lengths are in tokens, sizes in elements.
    """

    dim: int
    hidden_dim: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    vocab_size: int
    context_length: int
    norm_eps: float = 1e-5
    rope_theta: float = 10000.0
    tied_embeddings: bool = True
    rope_factors: tuple[float, ...] = ()
    """What RoPE's frequencies are divided by, one for each pair of a head, float32; empty: all 1. See
    `fontgen.llama.checkpoints.rope_scaling`."""
    rope_attention: float = 1.0
    """What RoPE's cosines and sines are multiplied by: transformers' ``attention_factor``."""
    kv_cache_bits: int = 32
    """Of an element of a key or value while it is remembered: 32, or 16, a float16."""
    trained_length: int | None = field(default=None, compare=False)
    """Positions that the model was trained for, where ``context_length`` is what a font has room for."""

    @property
    def head_size(self) -> int:
        return self.dim // self.n_heads

    @property
    def kv_dim(self) -> int:
        return self.head_size * self.n_kv_heads

    def check(self) -> None:
        """Raise `FontgenError` when the numbers do not describe a Llama transformer."""
        for name, largest in (
            ("dim", limits.LARGEST_DIMENSION),
            ("hidden_dim", limits.LARGEST_DIMENSION),
            ("n_layers", limits.LARGEST_N_LAYERS),
            ("n_heads", self.dim),
            ("n_kv_heads", self.n_heads),
            ("vocab_size", limits.LARGEST_VOCABULARY),
            ("context_length", 1 << 30),  # `fontgen.llama.memory.fit` shortens it
        ):
            value = getattr(self, name)
            if not 1 <= value <= largest:
                raise FontgenError(f"{name} is {value:,}, outside 1 to {largest:,}")
        if self.dim % self.n_heads:
            raise FontgenError(f"dim {self.dim} is not a multiple of n_heads {self.n_heads}")
        if self.n_heads % self.n_kv_heads:
            raise FontgenError(
                f"n_heads {self.n_heads} is not a multiple of n_kv_heads {self.n_kv_heads}"
            )
        if self.head_size % 2:
            raise FontgenError(f"head size {self.head_size} is odd, so RoPE has no pairs to turn")
        if not 0 < self.norm_eps < 1:
            raise FontgenError(f"norm_eps is {self.norm_eps}")
        if not 0 < self.rope_theta < 1e12:
            raise FontgenError(f"rope_theta is {self.rope_theta}")
        if len(self.rope_factors) not in (0, self.head_size // 2):
            raise FontgenError(
                f"RoPE has {len(self.rope_factors)} factors for {self.head_size // 2} frequencies"
            )
        if self.kv_cache_bits not in (16, 32):
            raise FontgenError(
                f"a KV cache of {self.kv_cache_bits} bits is not supported, only 16 and 32"
            )
        if not all(0 < factor < 1e12 for factor in self.rope_factors):
            raise FontgenError("a factor of RoPE's frequencies is not positive")
        if not 0 < self.rope_attention < 1e6:
            raise FontgenError(f"RoPE's attention factor is {self.rope_attention:g}")


@dataclass(frozen=True)
class Vocabulary:
    """A BPE vocabulary: sentencepiece's with byte fallback, or a byte-level one.

    Attributes:
        pieces: bytes of each token: UTF-8 with sentencepiece's U+2581 already written as a space, or, in a
            byte-level vocabulary, any bytes. A piece is at most 255 bytes. For `PieceKind.BYTE` it is the
            literal ``<0xNN>``.
        scores: float32 (vocab_size,); of two neighbours the pair with the higher score merges first. Zeros in a
            byte-level vocabulary.
        kinds: uint8 (vocab_size,), values of `PieceKind`. A byte-level vocabulary has no BYTE: its pieces of one
            byte are NORMAL.
        bos, eos, unk: token ids, or None where the vocabulary has none.
        add_dummy_prefix: whether a space is put before the text, as sentencepiece does by default.
        prefix_unless_space: not before a text that begins with one, as the `tokenizers` library does.
        remove_extra_whitespaces: whether runs of spaces count as one, and none at the text's ends.
        add_bos: whether a text begins with BOS. Where it does not, BOS stands before an empty text only.
        stops: further tokens that end what the model writes, besides BOS and EOS.
        pre_tokenizer: the algorithm, and how it splits a text.
        merges: uint32 (n, 3) in a byte-level vocabulary: left token, right token, the token that they make, best
            first.
        ignore_merges: whether a whole split that is a NORMAL piece is that token, whatever the merges say.
        character_classes: uint32 (n,) in a byte-level vocabulary, ascending: ``first << 2 | CharacterClass``, each
            for the code points from ``first`` up to the next; see `character_classes`.
    """

    pieces: tuple[bytes, ...]
    scores: np.ndarray
    kinds: np.ndarray
    bos: int | None = 1
    eos: int | None = 2
    unk: int | None = 0
    add_dummy_prefix: bool = True
    remove_extra_whitespaces: bool = False
    add_bos: bool = True
    prefix_unless_space: bool = False
    stops: tuple[int, ...] = ()
    pre_tokenizer: PreTokenizer = PreTokenizer.SENTENCEPIECE
    merges: np.ndarray = field(default_factory=lambda: np.empty((0, 3), np.uint32))
    ignore_merges: bool = False
    character_classes: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint32))

    def __len__(self) -> int:
        return len(self.pieces)

    @property
    def byte_level(self) -> bool:
        """Whether this is a byte-level BPE, not sentencepiece's."""
        return self.pre_tokenizer != PreTokenizer.SENTENCEPIECE

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end what the model writes: BOS, EOS and `stops`."""
        ends = (self.bos, self.eos, *self.stops)
        return frozenset(token for token in ends if token is not None)

    def check(self) -> None:
        """Raise `FontgenError` when the vocabulary contradicts itself or the font table's limits."""
        self.check_pieces()
        if self.bos is None:
            raise FontgenError("the vocabulary has no BOS token, with which every text begins")

    def check_pieces(self) -> None:
        """`check`, but that BOS may be unknown."""
        if len(self.scores) != len(self) or len(self.kinds) != len(self):
            raise FontgenError("vocabulary pieces, scores and kinds differ in length")
        if not np.isfinite(self.scores).all():
            raise FontgenError("a vocabulary score is not finite")
        longest = max((len(piece) for piece in self.pieces), default=0)
        if longest > 255:
            raise FontgenError(f"a vocabulary piece has {longest} bytes; the limit is 255")
        for name in ("bos", "eos", "unk"):
            token = getattr(self, name)
            if token is not None and not 0 <= token < len(self):
                raise FontgenError(f"{name} token {token} is outside the vocabulary of {len(self)}")
        for token in self.stops:
            if not 0 <= token < len(self):
                raise FontgenError(f"token {token}, which ends a text, is outside the vocabulary")
        if self.byte_level:
            self._check_merges()

    def _check_merges(self) -> None:
        merges = self.merges
        if merges.ndim != 2 or merges.shape[1] != 3 or (merges >= len(self)).any():
            raise FontgenError("a merge names a token outside the vocabulary")
        for left, right, merged in merges.tolist():
            if self.pieces[left] + self.pieces[right] != self.pieces[merged]:
                raise FontgenError(
                    f"the merge of {self.pieces[left]!r} and {self.pieces[right]!r} makes "
                    f"{self.pieces[merged]!r}"
                )
        if len(np.unique(merges[:, :2], axis=0)) != len(merges):
            raise FontgenError("two tokens are merged by two rules")


@dataclass(frozen=True)
class ModelCard:
    """What a font says of its model: free text for the name table and ``fontgen inspect``."""

    name: str = "unnamed model"
    license: str = "unknown licence"
    description: str = ""
    source: str = ""
    """File name (never a path) of the checkpoint."""
    sha256: str = ""
    """Hex digest of the checkpoint file."""


@dataclass(frozen=True)
class Model:
    """A whole checkpoint: hyper-parameters, float32 tensors, vocabulary and card."""

    config: ModelConfig
    tensors: dict[str, np.ndarray]
    vocabulary: Vocabulary
    card: ModelCard = field(default_factory=ModelCard)
    chat_template: str = ""
    """Jinja of ``tokenizer_config.json`` or GGUF that writes a conversation; empty where there is none."""

    def check(self) -> None:
        """Raise `FontgenError` unless every tensor is there, of its shape, float32 and finite."""
        self.config.check()
        self.vocabulary.check()
        if len(self.vocabulary) != self.config.vocab_size:
            raise FontgenError(
                f"the model has {self.config.vocab_size} tokens but the tokenizer {len(self.vocabulary)}"
            )
        shapes = tensor_shapes(self.config)
        for name, shape in shapes.items():
            tensor = self.tensors.get(name)
            if tensor is None:
                raise FontgenError(f"tensor {name} is missing")
            if tensor.shape != shape:
                raise FontgenError(f"tensor {name} has shape {tensor.shape}, expected {shape}")
            if tensor.dtype != np.float32:
                raise FontgenError(f"tensor {name} is {tensor.dtype}, expected float32")
            if not np.isfinite(tensor).all():
                raise FontgenError(
                    f"tensor {name} holds a value that is not finite (NaN or infinity)"
                )
        for name in self.tensors:
            if name not in shapes:
                raise FontgenError(f"tensor {name} is not part of a Llama transformer")

    @property
    def n_parameters(self) -> int:
        return sum(int(tensor.size) for tensor in self.tensors.values())


def tensor_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor that a model of this configuration has, in file order."""
    dim, hidden, kv_dim = config.dim, config.hidden_dim, config.kv_dim
    shapes: dict[str, tuple[int, ...]] = {"tok_embeddings.weight": (config.vocab_size, dim)}
    for layer in range(config.n_layers):
        prefix = f"layers.{layer}."
        shapes[prefix + "attention_norm.weight"] = (dim,)
        shapes[prefix + "attention.wq.weight"] = (dim, dim)
        shapes[prefix + "attention.wk.weight"] = (kv_dim, dim)
        shapes[prefix + "attention.wv.weight"] = (kv_dim, dim)
        shapes[prefix + "attention.wo.weight"] = (dim, dim)
        shapes[prefix + "ffn_norm.weight"] = (dim,)
        shapes[prefix + "feed_forward.w1.weight"] = (hidden, dim)
        shapes[prefix + "feed_forward.w2.weight"] = (dim, hidden)
        shapes[prefix + "feed_forward.w3.weight"] = (hidden, dim)
    shapes["norm.weight"] = (dim,)
    if not config.tied_embeddings:
        shapes["output.weight"] = (config.vocab_size, dim)
    return shapes


def rope_table(config: ModelConfig) -> np.ndarray:
    """Cosines and sines of RoPE (Su et al. 2021, arXiv:2104.09864), float32 (context, head_size/2, 2).

    Computed in double precision and rounded once, and stored in the font as data: `cos` differs between C libraries.
    """
    pair = np.arange(0, config.head_size, 2, dtype=np.float64)
    frequencies = float(config.rope_theta) ** (-pair / config.head_size)
    if config.rope_factors:
        frequencies /= np.array(config.rope_factors, np.float64)
    angles = np.arange(config.context_length, dtype=np.float64)[:, None] * frequencies
    turns = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return (turns * config.rope_attention).astype(np.float32)
