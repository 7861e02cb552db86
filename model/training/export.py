"""Put the weights of a training run in place: the last step from text to a font.

    python -m model.training.export build/model/run --output model

Takes the best weights of the run by validation loss, and writes ``model.safetensors`` (float16), ``config.json``,
``tokenizer.model``, ``loss.png`` and ``training.json`` (steps, tokens, minutes, loss: the figures that the card
quotes). With ``--llama2c`` it also writes a llama2.c ``.bin`` (version 0, float32), which ``run.c`` reads.
"""

from __future__ import annotations

import argparse
import json
import shutil
import struct
from pathlib import Path

import torch

from model.training.checkpoints import BEST, FIGURES
from model.training.network import Transformer
from model.training.weights import WEIGHTS, load_model


def write_llama2c(model: Transformer, path: Path) -> None:
    """Write llama2.c's version 0: seven int32, then float32 tensors by kind, layers within.

    Source: ``legacy_export`` in llama2.c's export.py, RoPE tables included.
    """
    c, state = model.config, model.state_dict()
    numbers = (c.dim, c.hidden_dim, c.n_layers, c.n_heads, c.n_kv_heads, c.vocab_size)
    kinds = (
        "attention_norm", "attention.wq", "attention.wk", "attention.wv", "attention.wo",
        "ffn_norm", "feed_forward.w1", "feed_forward.w2", "feed_forward.w3",
    )  # fmt: skip
    tensors = [state["tok_embeddings.weight"]]
    for kind in kinds:
        tensors += [state[f"layers.{layer}.{kind}.weight"] for layer in range(c.n_layers)]
    tensors += [state["norm.weight"], model.rope_cos, model.rope_sin]
    with path.open("wb") as file:
        file.write(struct.pack("<7i", *numbers, c.max_seq_len))
        for tensor in tensors:
            file.write(tensor.detach().float().contiguous().numpy().astype("<f4").tobytes())


def export(run: Path, output: Path, llama2c: Path | None = None) -> None:
    """Copy the best weights of a run to ``output``."""
    recipe = json.loads((run / "recipe.json").read_text())
    output.mkdir(parents=True, exist_ok=True)
    for name in (WEIGHTS, "config.json", FIGURES):
        shutil.copyfile(run / BEST / name, output / name)
    vocabulary = Path(recipe["data"]["folder"]) / "tokenizer.model"
    if vocabulary.resolve() != (output / vocabulary.name).resolve():
        shutil.copyfile(vocabulary, output / vocabulary.name)
    shutil.copyfile(run / "loss.png", output / "loss.png")
    if llama2c:
        with torch.no_grad():
            write_llama2c(load_model(output), llama2c)
    print((output / FIGURES).read_text(), end="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path, help="the run folder of train.py")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--llama2c", type=Path, help="also write a llama2.c .bin here")
    arguments = parser.parse_args()
    export(arguments.run, arguments.output, arguments.llama2c)


if __name__ == "__main__":
    main()
