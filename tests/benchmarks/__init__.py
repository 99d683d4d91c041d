"""Measurements behind the documents: each module is a command that prints its table."""
