"""What a font without Wasm tells: the content file, and how it is made.

`words`, `slots` and `kinds` say how text is read; `cast` and `format` are the two files that people edit. The rest
makes the second from the first with a model: `texts` and `openings` choose what it continues, `decoder` runs it,
`bridges`, `bodies` and `delexicalise` read what it told, `maker` puts it together.
"""
