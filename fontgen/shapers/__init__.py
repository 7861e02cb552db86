"""C to WebAssembly, for whatever shaper stands in a folder of ``wasm/``; knows no shaper by its name."""
