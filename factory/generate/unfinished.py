"""A round that was begun is gone on with under its own settings, or not at all.

Before a round draws, it writes down who answers and how. A later run of the same recipe that comes
with other settings while that round is unfinished is refused, with what differs: it would leave
half a dataset behind and begin another one, from round 1 on, most often by mistake. What changes no
candidate (quotas, filters, machines) is not compared, and a finished round never refuses anything.

When all of it is asked, that is written down too: a run that is killed while it writes parts asks
no server again for what has failed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from factory.digest import canonical_json
from factory.errors import TeacherError
from factory.parts import MANIFEST, write_atomically

SETTINGS: Final = "settings.json"
_DRAWN: Final = "drawn.json"
_SHOWN: Final = 12
_VALUE_CHARS: Final = 80


def begin_round(out_dir: Path, round: int, settings: Mapping[str, Any]) -> None:
    """Write down how a round is asked, or refuse to go on otherwise than it was begun.

    Args:
        out_dir: The artifact, in a folder of artifacts `<recipe>-<key>`.
        settings: Who answers and how (`Answerer.described`), by names for people.

    Raises:
        TeacherError: An unfinished round of this recipe, whichever it is, was begun with other
            settings.
    """
    recipe = out_dir.name.rpartition("-")[0]
    folders = [out_dir]
    if recipe:
        folders += [one for one in out_dir.parent.glob(f"{recipe}-*") if one != out_dir]
    for folder in sorted(folders):
        if folder.name.rpartition("-")[0] != recipe or (folder / MANIFEST).exists():
            continue
        begun = _read(folder / SETTINGS) or {}
        number = begun.pop("round", None)
        if begun.keys() != settings.keys():
            continue  # nothing was begun, or it rewrites where this round draws
        if differences := list(_differences(begun, settings)):
            more = len(differences) - _SHOWN
            lines = [*differences[:_SHOWN], *([f"  and {more} more"] if more > 0 else [])]
            raise TeacherError(
                f"{folder}: round {number} was begun with other settings and is unfinished:\n"
                + "\n".join(lines)
                + "\nput the settings back to go on with it, or remove that folder to begin anew; "
                "its candidates stay in the store either way"
            )
    out_dir.mkdir(parents=True, exist_ok=True)
    write_atomically(
        out_dir / SETTINGS, (canonical_json({"round": round, **settings}) + "\n").encode()
    )


def end_drawing(out_dir: Path, key: str) -> None:
    """Write down that all of the round was asked, and that what failed has failed."""
    write_atomically(out_dir / _DRAWN, (canonical_json({"key": key}) + "\n").encode())


def is_drawn(out_dir: Path, key: str) -> bool:
    """Whether an earlier attempt asked all of the round."""
    return _read(out_dir / _DRAWN) == {"key": key}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _differences(before: Any, now: Any, name: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            yield from _differences(before.get(key), now.get(key), f"{name}.{key}".lstrip("."))
    elif before != now:
        yield f"  {name}: begun with {_short(before)}, now {_short(now)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_CHARS else text[: _VALUE_CHARS - 1] + "…"
