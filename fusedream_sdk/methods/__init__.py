"""The methods of the literature, each a choice of parts."""
