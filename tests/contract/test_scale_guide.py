"""The guide past one machine agrees with its arithmetic, and its files with what they stand on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.sizing import inputs_table, models_table, sizes_table

MACHINES = Path("recipes") / "machines"


@pytest.fixture(scope="module")
def guide(project: Path) -> str:
    return (project / "docs" / "scale.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", [inputs_table, sizes_table, models_table])
def test_the_tables_of_the_guide_are_what_the_arithmetic_gives(guide: str, table: Any) -> None:
    assert table() in guide


def test_every_machine_file_that_the_guide_names_is_there(guide: str, project: Path) -> None:
    named = set(re.findall(r"\]\(\.\./(recipes/machines/[^)]+)\)", guide))
    assert len(named) >= 5
    assert all((project / one).is_file() for one in named)


def test_the_script_for_slurm_is_one_that_bash_can_read(project: Path) -> None:
    subprocess.run(["bash", "-n", project / MACHINES / "slurm.sbatch"], check=True)


def test_the_cluster_of_kubernetes_has_our_ray_one_image_and_one_volume(project: Path) -> None:
    text = (project / MACHINES / "raycluster.yaml").read_text(encoding="utf-8")
    volume, cluster = yaml.safe_load_all(text)
    assert volume["spec"]["accessModes"] == ["ReadWriteMany"]
    pinned = (project / "constraints.txt").read_text(encoding="utf-8")
    assert f"ray=={cluster['spec']['rayVersion']}\n" in pinned
    groups = [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]
    pods = [group["template"]["spec"] for group in groups]
    assert len({pod["containers"][0]["image"] for pod in pods}) == 1
    for pod in pods:
        assert pod["automountServiceAccountToken"] is False
        assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == volume["metadata"]["name"]
