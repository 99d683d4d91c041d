"""Many captions: files of them, the rows that they ask for, and who draws these: this process, several, or a cluster."""
