"""What a finished font is and does: inspected, verified against the references, evaluated on a text.

May import everything but the command line and `fontgen.build`, which knows nothing of the references in turn.
"""
