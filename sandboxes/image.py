"""Build sandbox images: `python -m sandboxes.image build [python] [cpp] [scorers] [--base IMAGE]`.

`python -m sandboxes.image packages NAME... --image TAG` adds packages to the image of Python; the
image `scorers` is one of these.

Each other folder of `images/` is an image. The same Dockerfile builds on a public base image or,
where no registry is reached, on a Debian root made here by `debootstrap` from the mirror of the
system's apt sources. An image made from the same Dockerfile, base and packages is kept: then there
is nothing to do.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

import docker
import docker.errors

from sandboxes.client import connect
from sandboxes.errors import EngineSetupError, SandboxError
from sandboxes.languages import PYTHON_IMAGE

DIGEST_LABEL = "retort.sandbox.digest"
DEFAULT_BASE = "debian:trixie-slim"
ROOT_IMAGE = "retort-sandbox-root"
SUITE = "trixie"
"""Debian's stable release: a fork of its Python 3.13 copies fewer pages than one of 3.11."""
RELEASES = frozenset({"bookworm", "trixie", "forky", "sid", "oldstable", "stable", "testing"})
"""Names under which this system's sources may name a mirror, which has every release."""
PACKAGES = ("python3", "python3-numpy")
PACKAGED = {"scorers": ("reasoning-gym==0.1.19",)}
"""Images that are the one of Python with packages, by name."""
PULL_SILENCE_S = 20
"""A registry that says nothing for so long is not reached."""
PULL_S = 300.0
BUILD_S = 900

Say = Callable[[str], None]


def build_image(
    name: str = "python", *, base: str | None = None, image: str | None = None, say: Say
) -> str:
    """The id of the image, built where the engine has none of the same content.

    Args:
        name: Folder of `images/` with the Dockerfile.
        base: A base image to build on; by default a public one, or a root made here.
        image: Name and tag that the image gets; by default the one that its language names.
        say: Told each step that takes time, one line each.

    Raises:
        DockerUnavailable: No engine answers.
        EngineSetupError: The image could not be built; the message names what to install.
    """
    image = image or f"retort-sandbox-{name}:latest"
    client = connect()
    try:
        digest = content_digest(name, base)
        have = image_digest(client, image)
        if have == digest:
            return _id(client, image)
        chosen = base or _default_base(client, say)
        say(f"building {image} on {chosen}")
        _build(client, name, chosen, image, digest)
        return _id(client, image)
    except (docker.errors.DockerException, OSError, subprocess.SubprocessError) as error:
        raise EngineSetupError(
            f"image {image}: it could not be built: {error}; see the engine's log, or give a base "
            "image that this machine has with --base"
        ) from error
    finally:
        client.close()


def build_packages_image(packages: Sequence[str], image: str, *, base: str, say: Say) -> str:
    """The id of an image of ours with more Python packages, built where there is none such.

    Args:
        packages: Requirements as pip takes them.
        image: Name and tag that it gets.
        base: The image that they are added to.
        say: Told what is being done.

    Raises:
        DockerUnavailable: No engine answers.
        EngineSetupError: pip or the build failed; the end of its log is in the message.
    """
    client = connect()
    try:
        dockerfile = _dockerfile("packages")
        content = "\n".join([_id(client, base), *packages, dockerfile])
        digest = hashlib.sha256(content.encode()).hexdigest()
        if image_digest(client, image) == digest:
            return _id(client, image)
        say(f"adding {', '.join(packages)} to {base}")
        with tempfile.TemporaryDirectory(prefix="retort-image-") as folder:
            Path(folder, "Dockerfile").write_text(dockerfile, "utf-8")
            Path(folder, "requirements.txt").write_text("\n".join(packages) + "\n", "utf-8")
            _write_pip_settings(Path(folder))
            client.images.build(
                path=folder,
                tag=image,
                buildargs={"BASE": base},
                labels={DIGEST_LABEL: digest},
                network_mode="host",
                rm=True,
                timeout=BUILD_S,
            )
        return _id(client, image)
    except docker.errors.BuildError as error:
        log = "".join(f"{line.get('stream', '')}" for line in error.build_log)[-1500:]
        raise EngineSetupError(f"image {image}: {error}\n{log}") from error
    except (docker.errors.DockerException, OSError) as error:
        raise EngineSetupError(f"image {image}: it could not be built: {error}") from error
    finally:
        client.close()


def _write_pip_settings(folder: Path) -> None:
    """The index and certificates of this system's pip, for the first stage of the build alone."""
    lines = ["[global]", "break-system-packages = true"]
    settings: dict[str, str] = {}
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        settings[name.rpartition(".")[2]] = value.strip("'")
    for name in ("index-url", "extra-index-url"):
        urls = [url for url in settings.get(name, "").split() if url.startswith("http")]
        if urls:
            lines.append(f"{name} = {' '.join(urls)}")
    certificates = Path(settings.get("cert", ""))
    (folder / "certificates.pem").touch()
    if certificates.is_file():
        shutil.copyfile(certificates, folder / "certificates.pem")
        lines.append("cert = /certificates.pem")
    (folder / "pip.conf").write_text("\n".join(lines) + "\n", "utf-8")


def content_digest(name: str = "python", base: str | None = None) -> str:
    """Digest of what decides an image's content: the Dockerfile and the base."""
    text = f"{base or DEFAULT_BASE}\n{' '.join(PACKAGES)}\n{_dockerfile(name)}"
    return hashlib.sha256(text.encode()).hexdigest()


def image_digest(client: docker.DockerClient, image: str) -> str | None:
    """The digest that an image was built with; None where there is no such image, or no digest."""
    try:
        labels: dict[str, str] = client.images.get(image).labels or {}
    except docker.errors.ImageNotFound:
        return None
    return labels.get(DIGEST_LABEL)


def _id(client: docker.DockerClient, image: str) -> str:
    return f"{client.images.get(image).id}"


def _dockerfile(name: str) -> str:
    return (files("sandboxes") / "images" / name / "Dockerfile").read_text("utf-8")


def image_names() -> list[str]:
    """The images that `build` makes."""
    folders = {one.name for one in (files("sandboxes") / "images").iterdir() if one.is_dir()}
    return sorted(folders - {"packages"} | set(PACKAGED))


def _build(client: docker.DockerClient, name: str, base: str, image: str, digest: str) -> None:
    with tempfile.TemporaryDirectory(prefix="retort-image-") as folder:
        Path(folder, "Dockerfile").write_text(_dockerfile(name), "utf-8")
        client.images.build(
            path=folder,
            tag=image,
            buildargs={"BASE": base},
            labels={DIGEST_LABEL: digest},
            network_mode="host",
            rm=True,
            timeout=BUILD_S,
        )


def _default_base(client: docker.DockerClient, say: Say) -> str:
    """The public base where it is here or can be pulled, else a root that is made here."""
    if _has(client, DEFAULT_BASE):
        return DEFAULT_BASE
    say(f"pulling {DEFAULT_BASE}")
    failure = _pull(DEFAULT_BASE)
    if failure is None:
        return DEFAULT_BASE
    say(f"no registry is reached ({failure}); making a Debian root instead")
    local = f"{ROOT_IMAGE}:{SUITE}"
    if not _has(client, local):
        _make_root(local, say)
    return local


def _has(client: docker.DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        return False
    return True


def _pull(image: str) -> str | None:
    """Pull an image; why not, in a few words, where it cannot be done in bounded time."""
    repository, _, tag = image.partition(":")
    deadline = time.monotonic() + PULL_S
    client = docker.from_env(timeout=PULL_SILENCE_S)
    try:
        for event in client.api.pull(repository, tag=tag, stream=True, decode=True):
            if "error" in event:
                return f"{event['error']}"[:200]
            if time.monotonic() > deadline:
                return f"not done within {PULL_S:.0f} s"
    except (docker.errors.DockerException, OSError) as error:
        return f"{error}"[:200]
    finally:
        client.close()
    return None


def _make_root(image: str, say: Say) -> None:
    """Import a Debian root with `PACKAGES` as an image."""
    program = shutil.which("debootstrap", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None or os.geteuid() != 0:
        raise EngineSetupError(
            f"image: expected a registry with {DEFAULT_BASE}, or root and debootstrap to make a "
            "Debian root; as root run `apt-get install --no-install-recommends debootstrap` and "
            "then `python -m sandboxes.image build`, or give a base image with --base"
        )
    mirror = apt_mirror()
    say(f"making a Debian root from {mirror}, about 40 s")
    with tempfile.TemporaryDirectory(prefix="retort-root-") as folder:
        root = Path(folder, "root")
        made = subprocess.run(
            [
                program,
                "--variant=minbase",
                f"--include={','.join(PACKAGES)}",
                SUITE,
                f"{root}",
                mirror,
            ],
            capture_output=True,
            text=True,
            timeout=BUILD_S,
            check=False,
        )
        if made.returncode != 0:
            raise EngineSetupError(
                f"image: debootstrap from {mirror} failed: {made.stdout[-300:].strip()}; check "
                "that the mirror in /etc/apt is reached, and run again"
            )
        for unneeded in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc"):
            shutil.rmtree(root / unneeded, ignore_errors=True)
        _import(root, image)


def _import(root: Path, image: str) -> None:
    repository, _, tag = image.partition(":")
    client = docker.from_env(timeout=BUILD_S)
    archive = subprocess.Popen(
        ["tar", "-C", f"{root}", "--exclude=./proc/*", "--exclude=./sys/*", "-c", "."],
        stdout=subprocess.PIPE,
    )
    try:
        client.api.import_image_from_stream(archive.stdout, repository=repository, tag=tag)
    finally:
        assert archive.stdout is not None
        archive.stdout.close()
        archive.wait()
        client.close()


def apt_mirror(folder: Path = Path("/etc/apt")) -> str:
    """The mirror that the system's apt sources name for Debian packages.

    The first source with the component `main` that is no security or update archive.

    Raises:
        EngineSetupError: No source names the release.
    """
    for file in sorted((folder / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", file.read_text("utf-8")):
            fields = dict(re.findall(r"^(\w[\w-]*):[ \t]*(.+)$", stanza, flags=re.MULTILINE))
            if "main" in fields.get("Components", "").split() and _is_release(
                fields.get("Suites", "")
            ):
                return fields["URIs"].split()[0]
    lists = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*.list"))]
    for file in lists:
        for line in file.read_text("utf-8").splitlines() if file.is_file() else []:
            found = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)", line)
            if found and "main" in found[3].split() and _is_release(found[2]):
                return found[1]
    raise EngineSetupError(
        f"sandbox image: expected apt sources in {folder} that name a mirror of Debian, "
        f"found none; name one there, or build on a base that you have: "
        f"`python -m sandboxes.image build --base IMAGE`"
    )


def _is_release(suites: str) -> bool:
    return not RELEASES.isdisjoint(suites.split())


def main() -> int:
    """The command line; 0 where the image is there in the end."""
    parser = argparse.ArgumentParser(prog="python -m sandboxes.image", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    build = actions.add_parser("build", help="images of languages")
    build.add_argument("names", nargs="*", default=["python"], help=f"of {image_names()}")
    build.add_argument("--base", help=f"image to build on (default: {DEFAULT_BASE})")
    build.add_argument("--image", help="name and tag, for one image (default: its language's)")
    more = actions.add_parser("packages", help="the image of Python with more packages")
    more.add_argument("packages", nargs="+", help="requirements as pip takes them")
    more.add_argument("--image", required=True, help="name and tag of the new image")
    more.add_argument("--base", default=PYTHON_IMAGE, help="image that they are added to")
    options = parser.parse_args()
    started = time.monotonic()
    try:
        if options.action == "packages":
            built = build_packages_image(
                options.packages, options.image, base=options.base, say=_say
            )
            _say(f"{options.image} is {built} ({time.monotonic() - started:.1f} s)")
            return 0
        if unknown := sorted(set(options.names) - set(image_names())):
            parser.error(f"expected names of {image_names()}, found {unknown}")
        if options.image and len(options.names) > 1:
            parser.error("--image names one image")
        for name in options.names:
            started = time.monotonic()
            built = _built(name, base=options.base, image=options.image)
            _say(f"{name} is {built} ({time.monotonic() - started:.1f} s)")
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _built(name: str, *, base: str | None, image: str | None) -> str:
    """The id of an image of `image_names`."""
    if name not in PACKAGED:
        return build_image(name, base=base, image=image, say=_say)
    if base is None:
        build_image(say=_say)
    return build_packages_image(
        PACKAGED[name],
        image or f"retort-sandbox-{name}:latest",
        base=base or PYTHON_IMAGE,
        say=_say,
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
