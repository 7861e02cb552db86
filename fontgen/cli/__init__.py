"""The command line. It may import every other package; nothing imports it.

`main` runs one command. ``arguments/`` says what each command takes, and imports nothing that is slow, so that
``--help`` and a usage error come at once. Beside it lies a file for each command with what it does, which
`main` imports when the command is run: an argument module names it, ``parser.set_defaults(handler=
"fontgen.cli.build:build")``. That is the one place where fontgen imports late.
"""
