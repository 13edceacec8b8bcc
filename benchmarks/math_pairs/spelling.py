"""Other spellings of the same text: what a rewriting never changes is the answer."""

from __future__ import annotations

import re
from typing import Final

_FRACTIONS: Final = {"1/2": "½", "1/3": "⅓", "2/3": "⅔", "1/4": "¼", "3/4": "¾", "1/5": "⅕"}
_UPPER: Final = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_UNICODE: Final = {
    r"\infty": "∞",
    r"\cup": "∪",
    r"\pi": "π",
    r"^{\circ}": "°",
    r"^\circ": "°",
    r"\pm": "±",
    "-": "−",
}
_SIMPLE_FRACTION: Final = re.compile(r"\\[dtc]?frac\{(-?\d+)\}\{(\d+)\}")
_PLAIN_ROOT: Final = re.compile(r"\\sqrt\{(\d+)\}(?![\w({\\ ])")
_POWER: Final = re.compile(r"(?<=[a-z)])\^(?:(\d)|\{(\d+)\})")


def spellings(text: str) -> list[str]:
    """The same answer, otherwise written; words are left as they are."""
    found = [
        f"${text}$",
        f"\\({text}\\)",
        f"{text}.",
        f"\\displaystyle {text}",
        f"\\boxed{{{text}}}",
    ]
    if re.search(r"[A-Za-z]{2}", re.sub(r"\\[A-Za-z]+", "", text)):
        return [one for one in found if not one.startswith("\\displaystyle")]
    found += [
        re.sub(r"\\[dtc]?frac", r"\\dfrac", text),
        re.sub(r"\\[dtc]?frac", r"\\tfrac", text),
        re.sub(r"(?<=[\w})])\s*([-+])\s*(?=[\w\\({])", r" \1 ", text),
        re.sub(r"(?<![A-Za-z\\])\s+|\s+(?![A-Za-z])", "", text),
        _unicode(text),
    ]
    if text[0] in "([" and text[-1] in ")]" and "\\left" not in text:
        found.append(re.sub(r"[([]", r"\\left\g<0>", re.sub(r"[)\]]", r"\\right\g<0>", text)))
    plain = _plain(text)
    return [*found, plain] if plain else found


def _unicode(text: str) -> str:
    fraction = _SIMPLE_FRACTION.fullmatch(text)
    if fraction and f"{fraction[1]}/{fraction[2]}" in _FRACTIONS:
        return _FRACTIONS[f"{fraction[1]}/{fraction[2]}"]
    text = _PLAIN_ROOT.sub(r"√\1", text)
    text = _POWER.sub(lambda power: (power[1] or power[2]).translate(_UPPER), text)
    for written, sign in _UNICODE.items():
        text = re.sub(
            re.escape(written) + ("(?![A-Za-z])" if written[-1].isalpha() else ""), sign, text
        )
    return text


def _plain(text: str) -> str | None:
    """Without a command, as in plain text; None where that would need more than signs."""
    text = re.sub(r"(?<![\d)}])\s*\\[dtc]?frac\{(-?\d+)\}\{(\d+)\}(?![\w\\(\s])", r"\1/\2", text)
    text = re.sub(r"\\sqrt\{(\d+)\}(?![\w])", r"sqrt(\1)", text)
    text = re.sub(r"\\pi(?![A-Za-z])", "pi", text).replace("^{\\circ}", " degrees")
    text = text.replace("^\\circ", " degrees").replace("\\infty", "infinity")
    return None if "\\" in text or "{" in text or "--" in text else text
