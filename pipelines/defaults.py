"""Luigi's settings as a user of Retort expects them, from any folder.

Luigi reads `luigi.cfg` from the working folder and retries a scheduler that is not there; a failed
task exits 0. These defaults put that right; a `luigi.cfg` or a flag of the user's still wins.
"""

from __future__ import annotations

import logging
from typing import Final

from luigi.configuration import get_config

_DEFAULTS: Final = {
    ("core", "local_scheduler"): "true",
    # Two runs on one artifact are kept apart by a lock of the artifact itself.
    ("core", "no_lock"): "true",
    # Two models are validated side by side; all other stages take the whole machine.
    ("core", "workers"): "2",
    ("core", "log_level"): "ERROR",
    ("retcode", "already_running"): "10",
    ("retcode", "missing_data"): "20",
    ("retcode", "not_run"): "25",
    ("retcode", "task_failed"): "30",
    ("retcode", "scheduling_error"): "35",
    ("retcode", "unhandled_exception"): "40",
}


def _reported_elsewhere(record: logging.LogRecord) -> bool:
    """Keep a record, unless it is the trace of a failed task: `pipelines.stage` says it once."""
    return not (record.module == "worker" and record.exc_info)


def apply() -> None:
    """Set each default that the user's own configuration does not set."""
    logging.getLogger("luigi-interface").addFilter(_reported_elsewhere)
    config = get_config()
    for (section, option), value in _DEFAULTS.items():
        if config.get(section, option, None) is None:
            config.set(section, option, value)
