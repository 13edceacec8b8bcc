"""Figures of Matplotlib as SVG that stands inside a page and takes the page's colours.

Colours of `INK` are written as the page's CSS variables, so that one picture reads well on white,
on black and on paper. Text stays text. Equal figures give equal bytes. Text from data is drawn as
it is: `$` starts no mathematics, and what XML cannot hold is left out.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN: Final = 7.8


@dataclass(frozen=True)
class Look:
    """How one of several series is told from the others: never by colour alone."""

    colour: str
    line: str
    marker: str
    hatch: str


INK: Final = {
    "text": "#1c1c1e",
    "muted": "#5c5c60",
    "line": "#c9c9ce",
    "a": "#0072b2",
    "b": "#d55e00",
    "c": "#009e73",
    "d": "#a8578a",
    "e": "#8a6d00",
    "f": "#3f8fb8",
    "paper": "#fefefe",
}
"""Name of the CSS variable -> the colour that stands for it while a figure is drawn. The series
are of the palette of Okabe and Ito, which the colour-blind can tell apart."""
_LINES: Final = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)))
_MARKERS: Final = ("o", "s", "^", "D", "v", "P")
_HATCHES: Final = ("", "////", "....", "xxxx", "\\\\\\\\", "----")
_NOT_XML: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_RC: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "retort",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelcolor": INK["muted"],
    "axes.edgecolor": INK["line"],
    "axes.titlecolor": INK["text"],
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.facecolor": "none",
    "grid.color": INK["line"],
    "grid.linewidth": 0.5,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.labelcolor": INK["text"],
    "patch.edgecolor": INK["text"],
    "text.color": INK["text"],
    "xtick.color": INK["line"],
    "ytick.color": INK["line"],
    "xtick.labelcolor": INK["muted"],
    "ytick.labelcolor": INK["text"],
    "savefig.facecolor": "none",
}


def look(number: int) -> Look:
    """The look of the series of that number, from 0."""
    colours = [INK[name] for name in "abcdef"]
    at = number % len(colours)
    return Look(colours[at], _LINES[at], _MARKERS[at], _HATCHES[at])  # pyright: ignore[reportArgumentType]


def plain(text: str, most: int = 48) -> str:
    """A name as it can be drawn: on one line, of bounded length, without control characters."""
    shown = " ".join(_NOT_XML.sub("", text).split()) or "(empty)"
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


@contextmanager
def canvas(height_in: float) -> Generator[Figure]:
    """A figure to draw on; its style holds inside of the block, where `inline` is called too."""
    import matplotlib  # imported late: a quarter of a second that only reports need
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_RC), warnings.catch_warnings():
        # Letters that the font for measuring lacks are drawn by the reader's own font.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield Figure(figsize=(WIDTH_IN, height_in), layout="constrained")


def inline(figure: Figure, name: str, title: str, about: str) -> str:
    """The figure as an `svg` element.

    Args:
        name: Unique on the page; begins every id in the picture.
        about: What is seen, in words and with the numbers that matter.
    """
    name = f"picture-{name}"  # sections have names too
    kept = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(kept, format="svg", metadata=nothing)
    text = kept.getvalue()
    box = re.search(r'viewBox="([^"]+)"', text)
    assert box is not None
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    body = re.sub(
        r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", body, flags=re.S
    )
    body = _own_ids(body, name)
    for variable, colour in INK.items():
        body = body.replace(colour, f"var(--{variable})")
    body = re.sub(r"(font: [^;\"]*?px) [^;\"]*", r"\1 sans-serif", body)
    body = re.sub(r"\s*\n\s*", "\n", body).strip()
    return (
        f'<svg viewBox="{box.group(1)}" role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(_NOT_XML.sub("", about))}</desc>\n{body}\n</svg>'
    )


def _own_ids(body: str, name: str) -> str:
    """Ids that something refers to begin with the picture's name; the others are left out."""
    body = body.replace("xlink:href=", "href=")
    used = {*re.findall(r'href="#([^"]+)"', body), *re.findall(r"url\(#([^)]+)\)", body)}
    body = re.sub(
        r' id="([^"]+)"', lambda one: f' id="{name}-{one[1]}"' if one[1] in used else "", body
    )
    body = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)


def legend_above(axes: Axes, columns: int = 6) -> None:
    """A legend in one line over the axes, where it hides nothing."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.02),
        ncols=columns,
        borderaxespad=0.0,
        handlelength=2.2,
        columnspacing=1.4,
    )
