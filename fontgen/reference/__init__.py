"""Slow and plain programs that say what the font's engine must compute.

`tokenizer`, `model` and `continuation` are NumPy float32, bit for bit equal to the engine. `onnx_model` shares
no code with them or the engine: the float model, exported to ONNX and run by onnxruntime.
"""
