"""The report of what quantising costs."""

from __future__ import annotations

import dataclasses

import numpy as np
from support.tiny_models import random_model

from fontgen.llama.loss import cross_entropy
from fontgen.llama.quantise.calibration import sample_text
from fontgen.llama.transformer import FloatModel
from model.evaluation import quantisers


def test_the_report_measures_what_it_says(tmp_path, capsys):
    model = random_model(
        dim=40, hidden_dim=56, n_heads=4, n_kv_heads=2, context_length=20, spread=0.15
    )
    text = sample_text(model, seed=3, n_tokens=200)
    rows = {row.quantiser: row for row in quantisers.report(model, text, engine_stories=2)}
    assert rows["float32"].loss == 0 and rows["float32"].bytes_per_parameter == 4
    tokens = text.tokens[0][text.used[0]].tolist()
    logits = FloatModel(model).all_logits(tokens[:-1])
    own, _ = quantisers.measure(
        model, dataclasses.replace(text, tokens=text.tokens[:1], used=text.used[:1])
    )
    expected = cross_entropy(logits, np.array(tokens[1:]))
    np.testing.assert_allclose(own, expected, atol=1e-4)
    assert abs(rows["8 bits per row"].loss) < 0.01
    assert 1 < rows["8 bits per row"].bytes_per_parameter < 1.2
    assert rows["4 bits, GPTQ"].bytes_per_parameter < 0.75
    by_engine = [row for name, row in rows.items() if "activations" in name]
    assert [abs(row.loss) < bound for row, bound in zip(by_engine, (0.02, 0.1), strict=True)]
    assert quantisers.main([str(tmp_path / "missing")]) == 2
    assert "missing" in capsys.readouterr().err
