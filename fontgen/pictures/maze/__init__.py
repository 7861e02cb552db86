"""Mazes: how they look, and their rules."""
