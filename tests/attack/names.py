"""Names of parameters: every identifier of the code, and random ones."""

from __future__ import annotations

import keyword
import re
from functools import cache
from pathlib import Path

import numpy as np

import liegroup_teleport

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@cache
def of_the_code() -> tuple[str, ...]:
    """Return every word that stands anywhere in the package's sources, symbols' names included."""
    folder = Path(liegroup_teleport.__file__).parent
    words: set[str] = set()
    for file in folder.rglob("*.py"):
        words |= set(re.findall(r"[A-Za-z_]\w*", file.read_text(encoding="utf-8")))
    return tuple(sorted(word for word in words if not keyword.iskeyword(word)))


@cache
def _short() -> tuple[str, ...]:
    """Return the short names, which symbols mostly have, with and without a number."""
    short = [name for name in of_the_code() if len(name) <= 2]
    return (*short, *(f"{name}{i}" for name in LETTERS for i in range(3)))


def draw(rng: np.random.Generator, count: int) -> list[str]:
    """Return different names: of symbols, of the code, of one letter, or random."""
    found: list[str] = []
    while len(found) < count:
        kind = rng.integers(4)
        if kind == 0:
            name = str(rng.choice(_short()))
        elif kind == 1:
            name = str(rng.choice(of_the_code()))
        elif kind == 2:
            name = LETTERS[rng.integers(len(LETTERS))]
        else:
            name = "".join(LETTERS[i] for i in rng.integers(len(LETTERS), size=6))
        if name not in found:
            found.append(name)
    return found
