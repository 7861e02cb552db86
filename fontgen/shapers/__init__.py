"""C to WebAssembly, for whatever shaper stands in a folder of ``wasm/``, and modules as bytes.

Knows no shaper by its name: who compiles one hands in the headers that its tables give. May import `fontgen.font`.
"""
