"""The facade: one call from sentences to pictures, and back."""
