"""Pictures pasted over pictures, and composed together."""
