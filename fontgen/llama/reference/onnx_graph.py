"""The Llama transformer as ONNX graphs (opset 17, built with `onnx.helper`): whole, or a layer at a time.

`export`'s graph has these inputs:

- ``tokens``, (n,) int64: what follows the cache;
- ``positions``, (n,) int64: their positions in the context;
- ``past_key_N``, ``past_value_N``, (n_kv_heads, past, head_size) float32: the cache of layer N;

and these outputs:

- ``logits``, (n, vocab_size) float32;
- ``present_key_N``, ``present_value_N``, (n_kv_heads, past + n, head_size): the next call's past.

The graphs of `export_layer` and `export_classifier` hold no weights, which are inputs like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fontgen.errors import FontgenError
from fontgen.llama.model import Model, ModelConfig

OPSET = 17
IR_VERSION = 8
"""What onnx 1.12 wrote, for the sake of older runtimes."""
PROTOBUF_LIMIT = (1 << 31) - (1 << 20)
"""Bytes of weights in one graph: protobuf messages end at 2 GiB."""
EMBEDDINGS = "tok_embeddings.weight"


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
    graph = _Graph(model.config, model.tensors)
    graph.transformer()
    config = model.config
    inputs = [
        _indices("tokens"),
        _indices("positions"),
        *_cache(config, "past", "past", config.n_layers),
    ]
    outputs = [
        _floats("logits", "n", config.vocab_size),
        *_cache(config, "present", "total", config.n_layers),
    ]
    return _checked(graph, inputs, outputs, model.card.name)


def export_layer(
    config: ModelConfig, tensors: Mapping[str, np.ndarray]
) -> tuple[onnx.ModelProto, Weights]:
    """One layer without weights, and those of layer 0 of ``tensors`` as it is to be fed with them.

    Inputs: ``x``, (n, dim) float32; ``positions`` and a cache as above; the weights. Outputs: ``y``, (n, dim); the
    cache.
    """
    graph = _Graph(config, tensors, fed=True)
    graph.layer("x", "y")
    inputs = [
        _floats("x", "n", config.dim),
        _indices("positions"),
        *_cache(config, "past", "past", 1),
    ]
    outputs = [_floats("y", "n", config.dim), *_cache(config, "present", "total", 1)]
    return _checked(graph, inputs, outputs, "a layer"), graph.weights


def export_classifier(
    config: ModelConfig, tensors: Mapping[str, np.ndarray]
) -> tuple[onnx.ModelProto, Weights]:
    """What makes ``logits``, (n, vocab_size), of ``x``, (n, dim); its weights are inputs, too."""
    graph = _Graph(config, tensors, fed=True)
    graph.classifier("x")
    inputs, outputs = [_floats("x", "n", config.dim)], [_floats("logits", "n", config.vocab_size)]
    return _checked(graph, inputs, outputs, "the classifier"), graph.weights


Weights = dict[str, np.ndarray]


def _floats(name: str, *shape: str | int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def _indices(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.INT64, ["n"])


def _cache(
    config: ModelConfig, when: str, length: str, n_layers: int
) -> Iterable[onnx.ValueInfoProto]:
    for layer in range(n_layers):
        for kind in ("key", "value"):
            yield _floats(f"{when}_{kind}_{layer}", config.n_kv_heads, length, config.head_size)


def _checked(
    graph: _Graph, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto], name: str
) -> onnx.ModelProto:
    """The finished graph, which onnx has looked through."""
    inputs += [_floats(weight, *array.shape) for weight, array in graph.weights.items()]
    proto = helper.make_model(
        helper.make_graph(graph.nodes, "llama", inputs, outputs, graph.initializers),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="fontgen",
        doc_string=name,
    )
    onnx.checker.check_model(proto)
    return proto


class _Graph:
    """Nodes and initialisers under construction; methods return the name of what they add.

    fed: weights become inputs of the graph instead, and lie in ``weights`` by their names.
    """

    def __init__(
        self, config: ModelConfig, tensors: Mapping[str, np.ndarray], *, fed: bool = False
    ):
        self.config = config
        self.tensors = tensors
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.weights: dict[str, np.ndarray] = {}
        self._fed = fed
        self._constants: dict[tuple[object, ...], str] = {}

    def node(self, op: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def weight(self, name: str, tensor: np.ndarray) -> str:
        array = np.ascontiguousarray(tensor, np.float32)
        if self._fed:
            self.weights[name] = array
        else:
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

    def transformer(self) -> None:
        """All of it, from ``tokens`` to ``logits``."""
        x = self.node("Gather", self.weight("embeddings", self.tensors[EMBEDDINGS]), "tokens")
        rotations, mask = self._rotations(), self._mask()
        for layer in range(self.config.n_layers):
            x = self._layer(x, layer, rotations, mask)
        self.classifier(x)

    def layer(self, x: str, output: str) -> None:
        """The first layer alone."""
        self.node("Identity", self._layer(x, 0, self._rotations(), self._mask()), output=output)

    def _layer(self, x: str, layer: int, rotations: tuple[str, str], mask: str) -> str:
        prefix = f"layers.{layer}."
        attended = self._attention(
            self._norm(x, prefix + "attention_norm.weight"), layer, rotations, mask
        )
        x = self.node("Add", x, attended)
        normed = self._norm(x, prefix + "ffn_norm.weight")
        return self.node("Add", x, self._feed_forward(normed, prefix))

    def classifier(self, x: str) -> None:
        """``logits``, of what comes out of the last layer."""
        name = EMBEDDINGS if self.config.tied_embeddings else "output.weight"
        matrix = self.weight("classifier", self.tensors[name].T)
        self.node("MatMul", self._norm(x, "norm.weight"), matrix, output="logits")

    def _linear(self, x: str, name: str) -> str:
        """(n, inputs) times the transpose of a weight (outputs, inputs).

        Transposed here, not in the graph: MatMul by a constant is what quantise_dynamic looks for.
        """
        return self.node("MatMul", x, self.weight(name, self.tensors[name].T))

    def _norm(self, x: str, name: str) -> str:
        """RMSNorm (Zhang and Sennrich 2019): x / sqrt(mean(x^2) + eps) * weight."""
        # Pow rather than Mul: onnxruntime fuses this pattern into one operator.
        square = self.node("Pow", x, self.constant(2.0, np.float32))
        mean = self.node("ReduceMean", square, axes=[-1], keepdims=1)
        eps = self.constant(self.config.norm_eps, np.float32)
        root = self.node("Sqrt", self.node("Add", mean, eps))
        return self.node("Mul", self.node("Div", x, root), self.weight(name, self.tensors[name]))

    def _rotations(self) -> tuple[str, str]:
        """Cosines and sines of RoPE (Su et al. 2021), each (n, 1, head_size / 2)."""
        config = self.config
        pairs = np.arange(config.head_size // 2)
        frequencies = float(config.rope_theta) ** (-2.0 * pairs / config.head_size)
        if config.rope_factors:
            frequencies /= config.rope_factors
        angles = np.outer(np.arange(config.context_length), frequencies)[:, None, :]
        size = config.rope_attention
        cosines = self.node("Gather", self.weight("rope_cos", size * np.cos(angles)), "positions")
        sines = self.node("Gather", self.weight("rope_sin", size * np.sin(angles)), "positions")
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

    def _attention(self, x: str, layer: int, rotations: tuple[str, str], mask: str) -> str:
        """Grouped-query attention (Ainslie et al. 2023): neighbouring heads share keys, values."""
        config = self.config
        kv_heads, size = config.n_kv_heads, config.head_size
        prefix = f"layers.{layer}.attention."
        queries = self._rotate(self._linear(x, prefix + "wq.weight"), config.n_heads, *rotations)
        keys = self._rotate(self._linear(x, prefix + "wk.weight"), kv_heads, *rotations)
        values = self.reshape(self._linear(x, prefix + "wv.weight"), -1, kv_heads, size)

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
        return self._linear(self.reshape(mixed, -1, config.dim), prefix + "wo.weight")

    def _append(self, kind: str, layer: int, new: str) -> str:
        """The layer's cache with (n, kv_heads, head_size) at its end."""
        return self.node(
            "Concat",
            f"past_{kind}_{layer}",
            self.node("Transpose", new, perm=[1, 0, 2]),
            axis=1,
            output=f"present_{kind}_{layer}",
        )

    def _feed_forward(self, x: str, prefix: str) -> str:
        """SwiGLU (Shazeer 2020): w2(silu(w1 x) * w3 x)."""
        gate = self._linear(x, prefix + "feed_forward.w1.weight")
        up = self._linear(x, prefix + "feed_forward.w3.weight")
        silu = self.node("Mul", gate, self.node("Sigmoid", gate))
        return self._linear(self.node("Mul", silu, up), prefix + "feed_forward.w2.weight")
