"""What the make targets run, from the repository's root: `make warm` is `python -m tools.warm`."""
