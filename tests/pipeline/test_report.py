"""A run ends with its report, and one that could not be made is made when it is asked for again."""

from __future__ import annotations

import json

from tests.pipeline.conftest import Place

TINY = "recipes/import-tiny.toml"


def test_a_run_ends_with_its_report_and_makes_it_again_where_it_failed(place: Place) -> None:
    output = place.finish("BuildDataset", TINY)
    run = (place.folder / "runs" / "latest").resolve()
    report = run / "report.html"
    assert output.index(f"report    {report}") < output.index(f"explore   retort explore {run}")
    first = report.read_bytes()
    assert json.loads((run / "recipe.json").read_bytes())["name"] == "import-tiny"
    grade = json.loads((place.artifacts("grade")[0] / "manifest.json").read_bytes())
    assert grade["figures"]["usage"]["cpu_s"] > 0
    made = {path: at for path, at in place.times().items() if path.endswith("manifest.json")}

    report.unlink()
    report.mkdir()  # nothing can be written there
    code, output = place.run("BuildDataset", TINY)
    assert code != 0
    assert str(report) in output

    report.rmdir()
    place.finish("BuildDataset", TINY)
    assert report.read_bytes() == first
    assert made.items() <= place.times().items()  # no stage ran again
