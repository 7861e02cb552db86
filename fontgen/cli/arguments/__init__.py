"""What each command of fontgen takes: a file a command, each with a function ``register``.

Nothing here may import what is slow (a test looks): NumPy, fontTools, onnxruntime, Wasmtime.
"""
