"""The folder of one rehearsal: what is finished in it, and what it takes on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from factory.errors import ManifestMismatch
from factory.parts import MANIFEST, read_manifest
from schemas.manifest import Manifest

from .recipe import NAME, VERSION
from .watch import disk_bytes

STAGES: Final = ("collect", "generate", "grade", "select", "shard")
AFTER: Final = ("verify", "load")
STORE: Final = "candidates.sqlite"
_BEGUN: Final = "begun"
"""Label of what happens before the first stage; what follows the last one is `published`."""
_PUBLISHED: Final = "published"


@dataclass(frozen=True)
class Place:
    """The folder of one rehearsal."""

    folder: Path

    @property
    def artifacts(self) -> Path:
        """All stages, and the store of candidates."""
        return self.folder / "artifacts"

    @property
    def dataset(self) -> Path:
        """What is published."""
        return self.folder / "datasets" / NAME / VERSION

    @property
    def latest(self) -> Path:
        """Record and report of the run."""
        return self.folder / "runs" / "latest"

    @property
    def machine(self) -> Path:
        """The machine file."""
        return self.folder / "machine.toml"

    def stage(self, name: str) -> Path | None:
        """The folder of a finished stage; None where it is not finished."""
        found = [one.parent for one in (self.artifacts / name).glob(f"*/{MANIFEST}")]
        if len(found) > 1:
            raise ManifestMismatch(
                f"{self.artifacts / name}: expected one finished artifact, found {len(found)}; "
                f"the code changed since the rehearsal was begun: use another folder"
            )
        return found[0] if found else None

    def now(self) -> str:
        """Which stage is worked on."""
        if not self.artifacts.exists():
            return _BEGUN
        return next((name for name in STAGES if self.stage(name) is None), _PUBLISHED)

    def manifests(self) -> dict[str, Manifest]:
        """Stage -> its manifest, of those that are finished."""
        found = {name: self.stage(name) for name in STAGES}
        return {name: read_manifest(one) for name, one in found.items() if one}

    def watched(self) -> list[Path]:
        """Files of `watch`, one for each try."""
        return sorted(self.folder.glob("watched-*.json"))

    def tries(self) -> int:
        """How often the run was begun."""
        return len([file for file in self.watched() if file.stem[-1].isdigit()])

    def written_bytes(self) -> int:
        """Disk of everything that the run has written."""
        return disk_bytes(self.artifacts, self.folder / "datasets", self.folder / "runs")
