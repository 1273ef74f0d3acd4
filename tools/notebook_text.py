"""A notebook as text, for `git diff`: its source and its words, and of a picture a line that changes with it.

git calls it with a file (see .gitattributes); it needs nothing but Python.
"""

import hashlib
import json
import re
import sys

PICTURE = re.compile(r"data:image/(\w+);base64,([A-Za-z0-9+/=]+)")


def as_text(notebook: dict) -> str:
    """Each cell as a heading, its source, and what it said."""
    parts = []
    for cell in notebook["cells"]:
        tags = " ".join(cell["metadata"].get("tags", []))
        parts += [f"── {cell['cell_type']} {tags}".rstrip(), without_pictures("".join(cell["source"]))]
        for output in cell.get("outputs", []):
            words = output.get("text") or output.get("data", {}).get("text/html") or output.get("data", {})
            parts += [f"→ {output['output_type']}", without_pictures(as_string(words))]
    return "\n".join(parts) + "\n"


def as_string(words) -> str:
    if isinstance(words, dict):
        return "\n".join(as_string(words[kind]) for kind in sorted(words))
    return words if isinstance(words, str) else "".join(words)


def without_pictures(text: str) -> str:
    """A picture in `text` becomes its format, its size and the beginning of its digest."""

    def in_words(picture: re.Match) -> str:
        digest = hashlib.sha256(picture[2].encode()).hexdigest()[:8]
        return f"[{picture[1]}, {len(picture[2]) * 3 // 4000} kB, {digest}]"

    return PICTURE.sub(in_words, text)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.reconfigure(encoding="utf-8")
        print(as_text(json.load(file)), end="")
