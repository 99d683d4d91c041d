"""Pixels without models: picture files, sizes, pasting."""
