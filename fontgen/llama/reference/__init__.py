"""Slow and plain programs that say what the font's engine must compute.

`tokenizer`, `numpy_model`, `sampler` and `continuation` are equal to the engine bit for bit, in NumPy float32.
`fontgen.llama.transformer` is the checkpoint without quantisation. `onnx_model` shares no code with any of them:
the same checkpoint exported to ONNX and run by onnxruntime.
"""
