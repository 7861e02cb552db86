"""The same `Model` as an ONNX graph, run by onnxruntime in float32 with a KV cache.

A second opinion: it shares no code with the shaper or with the NumPy reference, so that a mistake
common to those two (a wrong rotation, a transposed matrix, a head that reads its neighbour's keys)
shows here. The graph (opset 17, built with `onnx.helper`) has these inputs:

- ``tokens``, (n,) int64: what follows the cache;
- ``positions``, (n,) int64: their positions in the context;
- ``past_key_N``, ``past_value_N``, (n_kv_heads, past, head_size) float32: the cache of layer N;

and these outputs:

- ``logits``, (n, vocab_size) float32;
- ``present_key_N``, ``present_value_N``, (n_kv_heads, past + n, head_size): the next call's past.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from fontgen.errors import FontgenError
from fontgen.llama.model import Model, ModelConfig

OPSET = 17
IR_VERSION = 8
"""What onnx 1.12 wrote, for the sake of older runtimes."""
PROTOBUF_LIMIT = (1 << 31) - (1 << 20)
"""Bytes of weights in one graph: protobuf messages end at 2 GiB."""


class OnnxModel:
    """Runs a `Model` token by token, or many tokens at once, on onnxruntime's CPU kernels.

    >>> onnx_model = OnnxModel(model)                               # doctest: +SKIP
    >>> row = onnx_model.logits([model.vocabulary.bos, 403, 407])   # doctest: +SKIP
    >>> row = onnx_model.forward(int(row.argmax()))                 # doctest: +SKIP
    """

    def __init__(self, model: Model, *, threads: int = 1, int8: bool = False):
        """
        Args:
            model: its tensors may be dequantised ones.
            threads: of onnxruntime, within an operator.
            int8: run `quantise_dynamic` on the graph, for benchmarks.

        Raises:
            FontgenError: the model is too large for one ONNX file.
        """
        self.config = model.config
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        graph = export(model)
        self._session = onnxruntime.InferenceSession(
            quantise_dynamic(graph) if int8 else graph.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
        )
        self._outputs = [output.name for output in self._session.get_outputs()]
        self._cache: dict[str, onnxruntime.OrtValue] = {}
        self.position = 0
        """Tokens in the cache."""
        self.reset()

    def reset(self) -> None:
        """Forget all tokens."""
        config = self.config
        empty = np.zeros((config.n_kv_heads, 0, config.head_size), np.float32)
        self._cache = {
            f"past_{kind}_{layer}": onnxruntime.OrtValue.ortvalue_from_numpy(empty)
            for layer in range(config.n_layers)
            for kind in ("key", "value")
        }
        self.position = 0

    def forward(self, tokens: int | Sequence[int]) -> np.ndarray:
        """Logits (vocab_size,) float32 after one more token or several more.

        Raises:
            ValueError: no token, one outside the vocabulary, or more than the context holds.
        """
        return self._run([tokens] if isinstance(tokens, (int, np.integer)) else tokens)[-1]

    def logits(self, tokens: Sequence[int]) -> np.ndarray:
        """Logits (vocab_size,) float32 after a whole text, BOS included, from an empty cache."""
        return self.logits_of_each(tokens)[-1]

    def logits_of_each(self, tokens: Sequence[int]) -> np.ndarray:
        """Logits (n, vocab_size) float32 after each token of a whole text, from an empty cache."""
        self.reset()
        return self._run(tokens)

    def _run(self, tokens: Sequence[int]) -> np.ndarray:
        ids = np.asarray(tokens, np.int64)
        end = self.position + len(ids)
        if ids.ndim != 1 or not len(ids):
            raise ValueError("at least one token is needed")
        if ids.min() < 0 or ids.max() >= self.config.vocab_size:
            raise ValueError(f"a token is outside the vocabulary of {self.config.vocab_size}")
        if end > self.config.context_length:
            raise ValueError(f"{end} tokens exceed the context of {self.config.context_length}")
        feeds = {
            "tokens": onnxruntime.OrtValue.ortvalue_from_numpy(ids),
            "positions": onnxruntime.OrtValue.ortvalue_from_numpy(np.arange(self.position, end)),
            **self._cache,
        }
        values = dict(
            zip(self._outputs, self._session.run_with_ort_values(self._outputs, feeds), strict=True)
        )
        logits: np.ndarray = values.pop("logits").numpy()
        self._cache = {name.replace("present", "past"): value for name, value in values.items()}
        self.position = end
        return logits


def export(model: Model) -> onnx.ModelProto:
    """The graph described above, weights inside, checked by onnx.

    Raises:
        FontgenError: the weights exceed one ONNX file.
    """
    needed = 4 * model.n_parameters
    if needed > PROTOBUF_LIMIT:
        raise FontgenError(
            f"the model is too large for one ONNX file: {needed:,} bytes, limit {PROTOBUF_LIMIT:,}"
        )
    graph = _Graph(model.config)
    graph.transformer(model)
    config = model.config
    cache_inputs: list[onnx.ValueInfoProto] = []
    cache_outputs: list[onnx.ValueInfoProto] = []
    for layer in range(config.n_layers):
        for kind in ("key", "value"):
            for values, when, length in (
                (cache_inputs, "past", "past"),
                (cache_outputs, "present", "total"),
            ):
                values.append(
                    helper.make_tensor_value_info(
                        f"{when}_{kind}_{layer}",
                        TensorProto.FLOAT,
                        [config.n_kv_heads, length, config.head_size],
                    )
                )
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "llama",
            [
                helper.make_tensor_value_info("tokens", TensorProto.INT64, ["n"]),
                helper.make_tensor_value_info("positions", TensorProto.INT64, ["n"]),
                *cache_inputs,
            ],
            [
                helper.make_tensor_value_info(
                    "logits", TensorProto.FLOAT, ["n", config.vocab_size]
                ),
                *cache_outputs,
            ],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="fontgen",
        doc_string=model.card.name,
    )
    onnx.checker.check_model(proto)
    return proto


def quantise_dynamic(proto: onnx.ModelProto) -> bytes:
    """The graph with int8 weights, one scale per output, and activations quantised as it runs.

    What `onnxruntime.quantization.quantize_dynamic` makes of it, serialised: the native int8 figure
    that the font is measured against, not a reference for its tokens.
    """
    # Slow to import, and seldom needed.
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "float32.onnx"), Path(folder, "int8.onnx")
        onnx.save(proto, source)
        logger = logging.getLogger()
        logger.addFilter(_is_not_advice)
        try:
            quantize_dynamic(
                source,
                target,
                op_types_to_quantize=["MatMul"],
                per_channel=True,
                weight_type=QuantType.QInt8,
            )
        finally:
            logger.removeFilter(_is_not_advice)
        return target.read_bytes()


def _is_not_advice(record: logging.LogRecord) -> bool:
    """Drops the quantiser's advice to fold constants first: the graph has none to fold."""
    return "pre-processing" not in record.getMessage()


class _Graph:
    """Nodes and initialisers under construction; methods return the name of what they add."""

    def __init__(self, config: ModelConfig):
        self.config = config
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._constants: dict[tuple[object, ...], str] = {}

    def node(self, op: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def weight(self, name: str, tensor: np.ndarray) -> str:
        array = np.ascontiguousarray(tensor, np.float32)
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def constant(self, value: object, dtype: type) -> str:
        """A small tensor, shared by all that ask for the same."""
        array: np.ndarray = np.array(value, dtype)
        key = (dtype.__name__, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = f"constant_{len(self._constants)}"
            self.initializers.append(numpy_helper.from_array(array, self._constants[key]))
        return self._constants[key]

    def reshape(self, x: str, *shape: int) -> str:
        return self.node("Reshape", x, self.constant(shape, np.int64))

    def unsqueeze(self, x: str, axis: int) -> str:
        return self.node("Unsqueeze", x, self.constant([axis], np.int64))

    def transformer(self, model: Model) -> None:
        config, tensors = self.config, model.tensors
        embeddings = self.weight("embeddings", tensors["tok_embeddings.weight"])
        x = self.node("Gather", embeddings, "tokens")
        cosines, sines = self._rotations()
        mask = self._mask()
        for layer in range(config.n_layers):
            prefix = f"layers.{layer}."
            normed = self._norm(x, prefix + "attention_norm.weight", model)
            attended = self._attention(normed, layer, model, cosines, sines, mask)
            x = self.node("Add", x, attended)
            normed = self._norm(x, prefix + "ffn_norm.weight", model)
            x = self.node("Add", x, self._feed_forward(normed, prefix, model))
        classifier = tensors.get("output.weight", tensors["tok_embeddings.weight"])
        self.node(
            "MatMul",
            self._norm(x, "norm.weight", model),
            self.weight("classifier", classifier.T),
            output="logits",
        )

    def _linear(self, x: str, name: str, model: Model) -> str:
        """(n, inputs) times the transpose of a weight (outputs, inputs).

        Transposed here, not in the graph: MatMul by a constant is what quantise_dynamic looks for.
        """
        return self.node("MatMul", x, self.weight(name, model.tensors[name].T))

    def _norm(self, x: str, name: str, model: Model) -> str:
        """RMSNorm (Zhang and Sennrich 2019): x / sqrt(mean(x^2) + eps) * weight."""
        # Pow rather than Mul: onnxruntime fuses this pattern into one operator.
        square = self.node("Pow", x, self.constant(2.0, np.float32))
        mean = self.node("ReduceMean", square, axes=[-1], keepdims=1)
        eps = self.constant(self.config.norm_eps, np.float32)
        root = self.node("Sqrt", self.node("Add", mean, eps))
        return self.node("Mul", self.node("Div", x, root), self.weight(name, model.tensors[name]))

    def _rotations(self) -> tuple[str, str]:
        """Cosines and sines of RoPE (Su et al. 2021), each (n, 1, head_size / 2)."""
        config = self.config
        pairs = np.arange(config.head_size // 2)
        frequencies = float(config.rope_theta) ** (-2.0 * pairs / config.head_size)
        angles = np.outer(np.arange(config.context_length), frequencies)[:, None, :]
        cosines = self.node("Gather", self.weight("rope_cos", np.cos(angles)), "positions")
        sines = self.node("Gather", self.weight("rope_sin", np.sin(angles)), "positions")
        return cosines, sines

    def _rotate(self, x: str, n_heads: int, cosines: str, sines: str) -> str:
        """(n, n_heads * head_size) -> (n, n_heads, head_size), neighbours turned as a pair."""
        size = self.config.head_size
        pairs = self.reshape(x, -1, n_heads, size // 2, 2)
        real = self.node("Gather", pairs, self.constant(0, np.int64), axis=-1)
        imaginary = self.node("Gather", pairs, self.constant(1, np.int64), axis=-1)
        turned_real = self.node(
            "Sub", self.node("Mul", real, cosines), self.node("Mul", imaginary, sines)
        )
        turned_imaginary = self.node(
            "Add", self.node("Mul", real, sines), self.node("Mul", imaginary, cosines)
        )
        turned = self.node(
            "Concat",
            self.unsqueeze(turned_real, -1),
            self.unsqueeze(turned_imaginary, -1),
            axis=-1,
        )
        return self.reshape(turned, -1, n_heads, size)

    def _mask(self) -> str:
        """(n, total): 0 where a position may look, minus infinity at what comes after it."""
        zero, one = self.constant(0, np.int64), self.constant(1, np.int64)
        past = self.node("Gather", self.node("Shape", "past_key_0"), one)
        new = self.node("Gather", self.node("Shape", "positions"), zero)
        keys = self.node("Range", zero, self.node("Add", past, new), one)
        visible = self.node("LessOrEqual", self.unsqueeze(keys, 0), self.unsqueeze("positions", 1))
        return self.node(
            "Where", visible, self.constant(0.0, np.float32), self.constant(-np.inf, np.float32)
        )

    def _attention(
        self, x: str, layer: int, model: Model, cosines: str, sines: str, mask: str
    ) -> str:
        """Grouped-query attention (Ainslie et al. 2023): neighbouring heads share keys, values."""
        config = self.config
        kv_heads, size = config.n_kv_heads, config.head_size
        prefix = f"layers.{layer}.attention."
        queries = self._rotate(
            self._linear(x, prefix + "wq.weight", model), config.n_heads, cosines, sines
        )
        keys = self._rotate(self._linear(x, prefix + "wk.weight", model), kv_heads, cosines, sines)
        values = self.reshape(self._linear(x, prefix + "wv.weight", model), -1, kv_heads, size)

        queries = self.reshape(queries, -1, kv_heads, config.n_heads // kv_heads, size)
        queries = self.node("Transpose", queries, perm=[1, 2, 0, 3])  # kv_heads, group, n, size
        keys = self._append("key", layer, keys)  # kv_heads, total, size
        values = self._append("value", layer, values)

        scores = self.node(
            "MatMul", queries, self.unsqueeze(self.node("Transpose", keys, perm=[0, 2, 1]), 1)
        )
        scale = self.constant(1.0 / np.sqrt(size), np.float32)
        scores = self.node("Add", self.node("Mul", scores, scale), mask)
        weights = self.node("Softmax", scores, axis=-1)
        mixed = self.node("MatMul", weights, self.unsqueeze(values, 1))
        mixed = self.node("Transpose", mixed, perm=[2, 0, 1, 3])
        return self._linear(self.reshape(mixed, -1, config.dim), prefix + "wo.weight", model)

    def _append(self, kind: str, layer: int, new: str) -> str:
        """The layer's cache with (n, kv_heads, head_size) at its end."""
        return self.node(
            "Concat",
            f"past_{kind}_{layer}",
            self.node("Transpose", new, perm=[1, 0, 2]),
            axis=1,
            output=f"present_{kind}_{layer}",
        )

    def _feed_forward(self, x: str, prefix: str, model: Model) -> str:
        """SwiGLU (Shazeer 2020): w2(silu(w1 x) * w3 x)."""
        gate = self._linear(x, prefix + "feed_forward.w1.weight", model)
        up = self._linear(x, prefix + "feed_forward.w3.weight", model)
        silu = self.node("Mul", gate, self.node("Sigmoid", gate))
        return self._linear(self.node("Mul", silu, up), prefix + "feed_forward.w2.weight", model)
