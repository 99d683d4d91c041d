"""The loop, blind to pictures: parameters, directions, steps, and who goes on."""
