"""What can go wrong with the machine; a bad program is an `Outcome`, never one of these.

SandboxError
├── DockerUnavailable     no engine answers, or it refuses us
├── ImageMissing          the engine has no image of this name
├── ContainerFailed       a container did not start, or died again and again under one run
└── EngineSetupError      the engine or an image could not be set up here
"""

from __future__ import annotations

import re


class SandboxError(Exception):
    """Base of every error of this package; the message ends with the remedy."""


class DockerUnavailable(SandboxError):  # noqa: N818 - named for what the user reads
    """No Docker engine answers, or it refuses us."""


class ImageMissing(SandboxError):  # noqa: N818
    """The engine has no image of this name."""


class ContainerFailed(SandboxError):  # noqa: N818
    """A container did not start, or died again and again under one run."""


class EngineSetupError(SandboxError):
    """The engine or an image could not be set up on this machine."""


def how_to_build(image: str) -> str:
    """The command that makes an image of ours, or the one for the usual images."""
    ours = re.fullmatch(r"retort-sandbox-([a-z]+):latest", image)
    return "python -m sandboxes.image build" + (f" {ours[1]}" if ours else "")
