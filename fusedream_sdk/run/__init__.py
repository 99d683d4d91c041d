"""One prepared run: its settings, rows, parts, and what comes back."""
