"""A DeepSpeed hostfile: which hosts, and how many ranks on each."""

from __future__ import annotations

import re
from pathlib import Path

from factory.errors import RecipeError
from factory.recipe_file import resolve_plain


def read_hostfile(path: str) -> dict[str, int]:
    """Host -> ranks, in the file's order.

    Raises:
        RecipeError: It is not there, or a line is not `HOST slots=N`.
    """
    file: Path = resolve_plain(path)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise RecipeError(f"hostfile {file}: cannot be read ({error.strerror})") from error
    hosts: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        text = line.split("#", 1)[0].strip()
        if not text:
            continue
        match = re.fullmatch(r"(\S+)\s+slots=([1-9]\d*)", text)
        if match is None or match[1] in hosts:
            raise RecipeError(
                f"hostfile {file}, line {number}: expected `HOST slots=RANKS`, each host once, "
                f"found {text!r}"
            )
        hosts[match[1]] = int(match[2])
    if not hosts:
        raise RecipeError(f"hostfile {file}: expected `HOST slots=RANKS` per line, found no host")
    return hosts
