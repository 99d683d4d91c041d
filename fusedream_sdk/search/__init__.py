"""Where rows begin: banks of latents, and the best of them."""
