"""Fonts with a Wasm module in any browser: HarfBuzz compiled for it, a host in JavaScript, and pages that carry both.

`builder` compiles HarfBuzz to WebAssembly, once; ``js/`` holds the host, plain ES modules that need no other;
`page` writes them and a font into one file, or into a folder for a web server.
"""
