"""onnxruntime with 4-bit weights, its fastest way to run a small Llama on a CPU.

onnxruntime's own quantiser (``matmul_nbits_quantizer``) makes the same graph, but needs a package
that nothing else here does; the operator's packing is simple enough to write down.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from fontgen.llama.model import Model
from fontgen.llama.reference.onnx_graph import export
from fontgen.llama.reference.onnx_model import OnnxModel

BLOCK = 32
"""Weights that share a scale."""
INT8_ACTIVATIONS = 4
"""MatMulNBits' ``accuracy_level``: activations quantised to 8 bits, the fastest level."""


class Int4OnnxModel(OnnxModel):
    """`OnnxModel` whose matrices, but for the table of embeddings, are 4-bit."""

    def __init__(self, model: Model, *, threads: int = 1):
        import onnxruntime

        super().__init__(model, threads=threads)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        graph = quantise_4bits(export(model))
        self._session = onnxruntime.InferenceSession(
            graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )


def quantise_4bits(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with each MatMul by a constant matrix replaced by ``com.microsoft.MatMulNBits``."""
    graph = proto.graph
    matrices = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type != "MatMul" or node.input[1] not in matrices:
            continue
        tensor = matrices.pop(node.input[1])
        weights = numpy_helper.to_array(tensor).T  # outputs, inputs
        graph.initializer.remove(tensor)
        packed, scales = pack(weights)
        names = [f"{tensor.name}_q4", f"{tensor.name}_scales"]
        graph.initializer.append(numpy_helper.from_array(packed, names[0]))
        graph.initializer.append(numpy_helper.from_array(scales, names[1]))
        replaced = helper.make_node(
            "MatMulNBits",
            [node.input[0], *names],
            list(node.output),
            name=node.name,
            domain="com.microsoft",
            K=weights.shape[1],
            N=weights.shape[0],
            bits=4,
            block_size=BLOCK,
            accuracy_level=INT8_ACTIVATIONS,
        )
        node.CopyFrom(replaced)
    proto.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return proto


def pack(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float32 (N, K) to uint8 (N, blocks, BLOCK / 2), low nibble first, and scales (N * blocks,).

    A weight is ``(nibble - 8) * scale``; the largest of a block becomes -8, as onnxruntime rounds.
    """
    n, k = weights.shape
    padded = np.zeros((n, -(-k // BLOCK) * BLOCK), np.float32)
    padded[:, :k] = weights
    blocks = padded.reshape(n, -1, BLOCK)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)
    scales = largest / np.float32(-8)
    divisors = np.where(scales == 0, np.float32(1), scales)
    nibbles = np.clip(np.rint(blocks / divisors) + 8, 0, 15).astype(np.uint8)
    return nibbles[..., 0::2] | nibbles[..., 1::2] << 4, scales.reshape(-1)
