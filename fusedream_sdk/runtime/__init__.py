"""The machine: numbers and files from outside, devices, memory, the disk, progress."""
