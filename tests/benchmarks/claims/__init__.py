"""The paper's seven claims: a command, a table, a plot and a verdict for each."""
