"""Typed texts with runs of marks: spaces before a run, several runs, text after them, odd characters."""

from __future__ import annotations

TYPED = (
    "The little fox !!!!!!!!!",
    "The little fox   !!!!!!!!!",
    "   !!!!!!!!",
    "The little fox!!!!!!!! and the bear!!!!!!!! and so!!!!!!",
    "Wow!!! A fox!! said hi! and then!!!!!!!",
    "!!!!!!! Tom!!!!!!!",
    "!!!!!!! !!!!!!!!",
    "office of the f!!!!!!!!!!",
    "Once\tupon a\u2028time!!!!!!",
    "🚣 😀 \U000e0001 \ue000 \uffff!!!!!!",
    "e\u0301\u0301\u0301!!!!!",
    "The fox" + "!" * 250,
)
