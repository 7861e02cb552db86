"""From a configuration to a font: one file for each kind of font. `fontgen.check` and the command line stand above."""
