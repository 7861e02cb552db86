"""What a finished font is and does: inspected, verified against the references, evaluated on a text."""
