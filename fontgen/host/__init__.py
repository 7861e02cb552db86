"""Where a font's Wasm module runs: `native`, a HarfBuzz for programs, and `browser`, one for pages."""
