"""What a step costs: by its stages, against what the machine can do, and against the loop of the public code."""
