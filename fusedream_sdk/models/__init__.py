"""From names to checked models: plugins, weights, ensembles, identities."""
