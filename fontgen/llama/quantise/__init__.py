"""How float weights become 4-bit integers that lose little; `tensors` is the way in.

`transformer` runs many sequences at once, `calibration` lets the model write the text on which its
layers are observed, `gptq` chooses scales and integers of one matrix, `layers` walks through the
model and does so for each.
"""
