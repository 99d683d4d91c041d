"""What is wanted: prompts, views, and the score of a picture."""
