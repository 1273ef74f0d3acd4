"""Bring all catalogues up to the English, and count what is left to translate: `make catalogues`."""

from tools import edition, words

if __name__ == "__main__":
    edition.main([])
    words.main([])
