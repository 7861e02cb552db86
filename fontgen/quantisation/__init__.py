"""How float weights become 4-bit integers that lose little; `fontgen.quantise` is the way in.

`transformer` runs many sequences at once, `calibration` lets the model write the text on which its layers
are observed, `grid` chooses scales and `gptq` integers, `layers` walks through the model doing both.
"""
