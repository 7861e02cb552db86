"""Text set in a font: shaped by a host, laid out in lines, drawn."""
