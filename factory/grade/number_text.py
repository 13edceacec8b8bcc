"""A number as people and models write it, read exactly; nothing is evaluated.

Covered: whole numbers and decimals (`-3`, `.5`, `5.`), fractions of them (`3/4`, `\\frac{3}{4}`),
mixed numbers (`1 1/2`), scientific notation (`1.5e-3`, `1.5 \\times 10^{-3}`, `10^5`), thousands
separated in threes by one kind of separator (`1,234,567`, `1{,}234`, `1\\,234`, thin spaces), a
percent sign, `$…$`, `\\(…\\)`, `\\text{…}` or `\\mathbf{…}` around all of it, `≈` before it.

Not covered, and so no number: units and money, a decimal comma (`1,234` is 1234; `1,5` and `0,123`
are nothing), roots, powers other than of ten, constants, sums, words, infinity, braces left out
(`\\frac12`), other digits than 0 to 9. A text of more than 200 characters or an exponent beyond 400
is no number either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

_MOST_CHARS: Final = 200
_MOST_EXPONENT: Final = 400

_SEPARATED: Final = re.compile(
    r"(?<![0-9.])[1-9][0-9]{0,2}(?P<mark>,|\{,\}|\\,|\\ |[\u2009\u202f\u00a0])[0-9]{3}"
    r"(?:(?P=mark)[0-9]{3})*(?![0-9])"
)
_MARKS: Final = re.compile(r"[^0-9]")
_DECIMAL: Final = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_POWER: Final = r"10\^(?:\{(?P<braced>[+-]?[0-9]{1,4})\}|(?P<bare>[+-]?[0-9]{1,4}))"
_SCIENTIFIC: Final = re.compile(
    rf"(?P<mantissa>{_DECIMAL})?(?:(?P<e>[eE][+-]?[0-9]{{1,4}})|"
    rf"(?P<times>[ ]?(?:\\times|\\cdot|×|·|\*|x)[ ]?)?{_POWER})?"
)
_FRACTION: Final = re.compile(rf"(?P<top>{_DECIMAL}) ?/ ?(?P<bottom>{_DECIMAL})")
_LATEX_FRACTION: Final = re.compile(
    rf"\\[dtc]?frac ?\{{ ?(?P<sign>[+-]?)(?P<top>{_DECIMAL}) ?\}} ?\{{ ?(?P<bottom>{_DECIMAL}) ?\}}"
)
_MIXED: Final = re.compile(
    r"(?P<whole>[0-9]+)(?: (?P<top>[0-9]+)/(?P<bottom>[0-9]+)"
    r"| ?\\[dtc]?frac\{(?P<ltop>[0-9]+)\}\{(?P<lbottom>[0-9]+)\})"
)
_FONT: Final = re.compile(
    r"\\(?:text|textbf|mathrm|mathbf|mathsf|boldsymbol) ?\{([^\n]*)\}|\{\\(?:bf|rm) ([^\n]*)\}"
)
_TOLERANCE: Final = re.compile(r"±|\\pm(?![A-Za-z])|\+/-|\+-")
_SAME: Final = str.maketrans({"−": "-", "–": "-", "％": "%", "＋": "+", "\u3000": " "})


@dataclass(frozen=True)
class Number:
    """A number, and whether it carried a percent sign, which its value counts."""

    value: Fraction
    percent: bool = False


@dataclass(frozen=True)
class GoldNumber:
    """A gold: a number, its text, and its own absolute tolerance where it carries one."""

    number: Number
    text: str
    tolerance: Fraction | None


def read_number(text: str) -> Number | None:
    """The number that a text is; None where it is anything else."""
    if len(text) > _MOST_CHARS:
        return None
    text = _bare(text.translate(_SAME))
    text = re.sub(r"^(?:≈|\\approx(?![A-Za-z])|\\sim(?![A-Za-z])|~)", "", text).strip()
    sign = -1 if text.startswith("-") else 1
    text = text[1:].strip() if text[:1] in ("-", "+") else text
    body = re.sub(r" ?\\?%$", "", text)
    value = _unsigned(_SEPARATED.sub(_together, body))
    if value is None:
        return None
    percent = body != text
    return Number(sign * value / (100 if percent else 1), percent)


def read_gold(text: str) -> GoldNumber | None:
    """The number and tolerance of a gold: `100`, `3.14 ± 0.01`, `100 ± 5%`; None if it is none.

    A tolerance in percent is that share of the number, unless the number is in percent too.
    """
    parts = _TOLERANCE.split(_bare(text), maxsplit=1)
    number = read_number(parts[0])
    if number is None or len(parts) == 1:
        return None if number is None else GoldNumber(number, parts[0], None)
    tolerance = read_number(parts[1])
    if tolerance is None or tolerance.value < 0:
        return None
    if number.percent:
        allowed = tolerance.value if tolerance.percent else tolerance.value / 100
    else:
        allowed = tolerance.value * (abs(number.value) if tolerance.percent else 1)
    return GoldNumber(number, parts[0], allowed)


def number_spelling(text: str) -> str:
    """One spelling for all texts of one number; another text stays as it is."""
    number = read_number(text)
    return text.strip() if number is None else str(number.value)


def _bare(text: str) -> str:
    """Without what only sets it as a formula or in another font, at most two of each."""
    for _ in range(2):
        text = _unmarked(text.strip())
        if font := _FONT.fullmatch(text):
            text = (font[1] or font[2] or "").strip()
    return text


def _unmarked(text: str) -> str:
    for opening, closing in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        if text.startswith(opening) and text.endswith(closing) and len(text) > 2 * len(opening):
            return text[len(opening) : -len(closing)].strip()
    return text


def _together(found: re.Match[str]) -> str:
    return _MARKS.sub("", found[0])


def _unsigned(text: str) -> Fraction | None:
    if found := _SCIENTIFIC.fullmatch(text):
        return _scientific(found)
    if found := _FRACTION.fullmatch(text):
        return _ratio(found["top"], found["bottom"])
    if found := _LATEX_FRACTION.fullmatch(text):
        ratio = _ratio(found["top"], found["bottom"])
        return -ratio if ratio is not None and found["sign"] == "-" else ratio
    if found := _MIXED.fullmatch(text):
        part = _ratio(found["top"] or found["ltop"], found["bottom"] or found["lbottom"])
        return None if part is None or part >= 1 else int(found["whole"]) + part
    return None


def _scientific(found: re.Match[str]) -> Fraction | None:
    mantissa, power = found["mantissa"], found["braced"] or found["bare"]
    if (mantissa is None) != (found["times"] is None) and power is not None:
        return None  # `2 10^3`, or a sign of multiplication with nothing before it
    if mantissa is None and power is None:
        return None
    exponent = int(power or (found["e"] or "e0")[1:])
    if abs(exponent) > _MOST_EXPONENT:
        return None
    return Fraction(mantissa or "1") * Fraction(10) ** exponent


def _ratio(top: str, bottom: str) -> Fraction | None:
    return Fraction(top) / Fraction(bottom) if Fraction(bottom) else None
