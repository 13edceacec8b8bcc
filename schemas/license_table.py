"""The licences that Retort knows, and what each forbids; `schemas.licenses` answers by it.

Only what a licence's own text says, read conservatively: what the text forbids outright is
forbidden here, what it attaches a condition to is in `asks` and is shown in the card. It is no
legal advice, and it does not know of what a court, a contract or the authors of a set grant beside
it. Terms of services change, and they were read where others quote them: read the originals before
you rely on a line of this table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class License:
    """One licence. An empty text: nothing of that kind is forbidden or asked."""

    name: str
    """SPDX identifier, or the name that hubs use."""
    url: str = ""
    commercial: str = ""
    """Why commercial use is forbidden."""
    changed: str = ""
    """Why changed copies may not be published; a dataset of prompts and answers is one."""
    training: str = ""
    """Why no other model may be trained on what it covers."""
    asks: str = ""
    """What it asks of who publishes the rows, or of who trains on them."""
    heirs: tuple[str, ...] = ()
    """Licences under which changed copies may be published; empty: any that keeps what it asks."""
    hub: str = ""
    """Identifier in the head of a card on a hub; empty: `other`."""


_ATTRIBUTION: Final = "credit to the authors and a link to the licence"
_SAME: Final = f"{_ATTRIBUTION}; changed copies under the same licence"
_NOTICE: Final = "the licence and the copyright notice go with copies"
_NO_COMMERCE: Final = "its grant is for non-commercial purposes alone"
_NO_CHANGES: Final = "changed copies may not be shared"
_COMPETING: Final = "no models that compete with the provider may be made from its output"


def known_licenses() -> Iterator[License]:
    """Every licence that Retort knows."""
    yield from _free()
    yield from _creative_commons()
    yield from _data()
    yield from _copyleft()
    yield from _models()
    yield from _services()


def _free() -> Iterator[License]:
    names = "MIT Apache-2.0 BSD-2-Clause BSD-3-Clause BSD-3-Clause-Clear ISC Zlib BSL-1.0 AFL-3.0"
    for name in [*names.split(), "ECL-2.0", "Artistic-2.0", "NCSA", "MS-PL", "PostgreSQL"]:
        yield License(
            name, f"https://spdx.org/licenses/{name}.html", asks=_NOTICE, hub=name.lower()
        )
    for name in ("CC0-1.0", "Unlicense", "0BSD", "WTFPL", "MIT-0"):
        hub = "" if name in ("0BSD", "MIT-0") else name.lower()
        yield License(name, f"https://spdx.org/licenses/{name}.html", hub=hub)
    yield License("PDDL-1.0", "https://opendatacommons.org/licenses/pddl/1-0/", hub="pddl")
    yield License("public-domain")


def _creative_commons() -> Iterator[License]:
    for version in ("1.0", "2.0", "2.5", "3.0", "4.0", ""):  # "": the version is not said
        for kind in ("BY", "BY-SA", "BY-NC", "BY-ND", "BY-NC-SA", "BY-NC-ND"):
            name = f"CC-{kind}-{version}".removesuffix("-")
            share = kind.endswith("SA")
            yield License(
                name,
                f"https://creativecommons.org/licenses/{kind.lower()}/{version}".rstrip("/") + "/",
                commercial=_NO_COMMERCE if "NC" in kind else "",
                changed=_NO_CHANGES if "ND" in kind else "",
                asks=_SAME if share else _ATTRIBUTION,
                heirs=_heirs(kind, version) if share else (),
                hub=name.lower() if name in _ON_HUBS else "",
            )


_ON_HUBS: Final = {
    *("CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0"),
    *("CC-BY-NC-2.0", "CC-BY-NC-3.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "CC-BY-NC-ND-3.0"),
    *("CC-BY-NC-ND-4.0", "CC-BY-NC-SA-2.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0"),
}


def _heirs(kind: str, version: str) -> tuple[str, ...]:
    """The licence itself and its later versions; 1.0 knows no later ones. BY-SA-4.0 may also
    become GPL-3.0-only, by a declaration of Creative Commons."""
    if not version:
        return (f"CC-{kind}", f"CC-{kind}-4.0")
    versions = ("2.0", "2.5", "3.0", "4.0")
    later = [one for one in versions if one > version] if version != "1.0" else []
    names = [f"CC-{kind}-{one}" for one in (version, *later)]
    return (*names, "GPL-3.0-only") if kind == "BY-SA" and version == "4.0" else tuple(names)


def _data() -> Iterator[License]:
    odc = "https://opendatacommons.org/licenses"
    yield License("ODC-By-1.0", f"{odc}/by/1-0/", asks=_ATTRIBUTION, hub="odc-by")
    yield License("ODbL-1.0", f"{odc}/odbl/1-0/", asks=_SAME, heirs=("ODbL-1.0",), hub="odbl")
    cdla = "https://cdla.dev"
    for version in ("1.0", "2.0"):
        hub = f"cdla-permissive-{version}"
        yield License(hub.title().replace("Cdla", "CDLA"), cdla, asks=_NOTICE, hub=hub)
    shared = "CDLA-Sharing-1.0"
    yield License(shared, cdla, asks=_SAME, heirs=(shared,), hub=shared.lower())


def _copyleft() -> Iterator[License]:
    versions = {"GPL": ("2.0", "3.0"), "LGPL": ("2.1", "3.0"), "AGPL": ("3.0",)}
    for family, numbers in versions.items():
        for number in numbers:
            later = [one for one in numbers if one >= number]
            heirs = [f"{family}-{one}-{end}" for one in later for end in ("only", "or-later")]
            for end in ("only", "or-later"):
                name = f"{family}-{number}-{end}"
                yield License(
                    name,
                    f"https://spdx.org/licenses/{name}.html",
                    asks="changed copies under the same licence, with their sources",
                    heirs=tuple(heirs) if end == "or-later" else (name,),
                    hub=f"{family.lower()}-{number}",
                )
    yield License("MPL-2.0", "https://spdx.org/licenses/MPL-2.0.html", asks=_NOTICE, hub="mpl-2.0")


def _models() -> Iterator[License]:
    llama = "https://www.llama.com"
    for name, place in (("llama2", "license"), ("llama3", "llama3/license")):
        yield License(
            name,
            f"{llama}/{place}/",
            training="output may not be used to improve any other large language model (1.b.v)",
            asks="its Acceptable Use Policy; a licence from Meta above 700 million users",
            hub=name,
        )
    for version in ("3.1", "3.2", "3.3", "4"):
        yield License(
            f"llama{version}",
            f"{llama}/llama{version.replace('.', '_')}/license/",
            asks="a model trained on output has a name that begins with `Llama` and shows `Built "
            "with Llama`; its Acceptable Use Policy; a licence from Meta above 700 million users",
            hub=f"llama{version}",
        )
    yield License(
        "gemma",
        "https://ai.google.dev/gemma/terms",
        asks="a model trained on output to perform like it is a Model Derivative: the terms and "
        "the Prohibited Use Policy go with it",
        hub="gemma",
    )
    qwen = "a distributed model trained on output shows `Built with Qwen` or `Improved using Qwen`"
    yield License("qwen", asks=f"{qwen}; a licence from Alibaba Cloud above 100 million users")
    yield License("qwen-research", commercial=_NO_COMMERCE, asks=qwen)
    yield License(
        "tongyi-qianwen",
        training="output may not be used to improve any other large language model (5.b)",
        asks="a licence from Alibaba Cloud above 100 million users",
    )
    limits = "a model distilled from output keeps the use restrictions of the licence"
    yield License("deepseek", "https://github.com/deepseek-ai/DeepSeek-LLM", asks=limits)
    rails = "openrail creativeml-openrail-m bigscience-openrail-m bigcode-openrail-m openrail++"
    for name in [*rails.split(), "bigscience-bloom-rail-1.0"]:
        yield License(name, "https://www.licenses.ai/", asks=limits, hub=name)
    yield License(
        "mistral-research", "https://mistral.ai/licenses/MRL-0.1.md", commercial=_NO_COMMERCE
    )
    yield License(
        "mistral-non-production",
        "https://mistral.ai/licenses/MNPL-0.1.md",
        commercial="models and their output are for testing and research alone",
    )
    yield License(
        "tencent-hunyuan",
        training="output may not be used to improve any other large language model (5.b)",
    )


def _services() -> Iterator[License]:
    places = {
        "openai": "https://openai.com/policies/terms-of-use/",
        "anthropic": "https://www.anthropic.com/legal/commercial-terms",
        "gemini": "https://ai.google.dev/gemini-api/terms",
    }
    for name, url in places.items():
        yield License(f"{name}-terms", url, commercial=_COMPETING, asks=_COMPETING)
