"""How good pictures are: what they are measured by, against which captions and pictures, and how sure a figure is."""
