"""The same `Model` as an ONNX graph, run by onnxruntime in float32 with a KV cache.

A second opinion: it shares no code with the shaper or with the NumPy reference, so that a mistake
common to those two (a wrong rotation, a transposed matrix, a head that reads its neighbour's keys)
shows here. `OnnxModel` runs the graph of `fontgen.llama.reference.onnx_graph` as a whole, `OnnxLayers`
a layer after the other, for models whose float32 weights would fill the memory.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from fontgen.llama.model import Model, ModelConfig
from fontgen.llama.reference.onnx_graph import EMBEDDINGS, export, export_classifier, export_layer


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
        graph = export(model)
        self._session = _session(
            quantise_dynamic(graph) if int8 else graph.SerializeToString(), threads
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


class OnnxLayers:
    """The same arithmetic, one layer at a time: a graph without weights is fed with those of one layer after the other.

    config: of the model. tensors: float32 weights by name, of which at most a layer's are asked for at a time, as
    `fontgen.llama.quantised.DequantisedTensors` makes them.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, np.ndarray], *, threads: int = 1):
        self.config, self._tensors = config, tensors
        layer, _ = export_layer(config, tensors)
        classifier, _ = export_classifier(config, tensors)
        self._layer = _session(layer.SerializeToString(), threads)
        self._classifier = _session(classifier.SerializeToString(), threads)

    def logits_of_each(self, tokens: Sequence[int]) -> np.ndarray:
        """Logits (n, vocab_size) float32 after each token of a whole text."""
        config = self.config
        x = self._tensors[EMBEDDINGS][np.asarray(tokens)]
        nothing = np.zeros((config.n_kv_heads, 0, config.head_size), np.float32)
        for layer in range(config.n_layers):
            _, weights = export_layer(config, _Layer(self._tensors, layer))
            feeds = {
                "x": x,
                "positions": np.arange(len(tokens)),
                "past_key_0": nothing,
                "past_value_0": nothing,
            }
            (x,) = self._layer.run(["y"], feeds | weights)
        _, weights = export_classifier(config, self._tensors)
        logits: np.ndarray = self._classifier.run(["logits"], {"x": x} | weights)[0]
        return logits


class _Layer(Mapping[str, np.ndarray]):
    """Tensors in which one layer is called the first."""

    def __init__(self, tensors: Mapping[str, np.ndarray], layer: int):
        self._tensors, self._prefix = tensors, f"layers.{layer}."

    def __getitem__(self, name: str) -> np.ndarray:
        return self._tensors[name.replace("layers.0.", self._prefix)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


def _session(graph: bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


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
