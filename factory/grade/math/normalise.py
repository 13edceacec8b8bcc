"""One spelling for one answer: the string that the first tier compares and the parser reads.

Only spelling changes here (spaces, Unicode, synonyms of LaTeX commands, delimiters, thousands
separators that LaTeX marks as such); nothing that needs to be understood. Linear in the length.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

MAX_REMEMBERED: Final = 200
"""Longest text whose spelling and tree are kept."""
MAX_CHARS: Final = 10_000
"""Longer answers are compared as they stand and as integers, and not read further."""

_SUPERSCRIPTS: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ"
_SUPERSCRIPT_VALUES: Final = dict(zip(_SUPERSCRIPTS, "0123456789+-n", strict=True))
_SUBSCRIPTS: Final = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_UNICODE: Final = {
    "−": "-", "–": "-", "—": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "÷": "/",
    "∕": "/", "⁄": "/", "π": r"\pi ", "∞": r"\infty ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ",
    "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "±": r"\pm ", "∓": r"\mp ", "°": r"\degree ",
    "º": r"\degree ", "∅": r"\emptyset ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ",
    "λ": r"\lambda ", "φ": r"\phi ", "ω": r"\omega ", "⟨": r"\langle ", "⟩": r"\rangle ",
    "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}",
    "ℂ": r"\mathbb{C}", "≈": r"\approx ", "≃": r"\approx ", "→": r"\to ", "↦": r"\mapsto ",
    "⇒": r"\Rightarrow ", "∖": r"\setminus ", "⌊": r"\lfloor ", "⌋": r"\rfloor ",
    "⌈": r"\lceil ", "⌉": r"\rceil ", "…": r"\ldots ", "∙": r"\cdot ", "•": r"\cdot ",
    "∗": "*", "γ": r"\gamma ", "δ": r"\delta ", "ε": r"\epsilon ", "μ": r"\mu ", "σ": r"\sigma ",
    "τ": r"\tau ", "ρ": r"\rho ", "ψ": r"\psi ", "Δ": r"\Delta ", "Ω": r"\Omega ",
    "∶": ":", "′": "'", "″": "''", "¢": r"\text{ cents}", "∣": "|", "¥": r"\yen ",
    "₹": r"\rupee ", "∧": r"\text{ and }", "∨": r"\text{ or }",
    "≡": r"\equiv ", "₋": "-", "‑": "-", "‐": "-", "。": ".", "、": ",",
    "“": '"', "”": '"', "’": "'", "∛": r"\cbrt ",
    "√": r"\sqrt ", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
    "\u200b": "", "£": r"\pounds ", "€": r"\euro ",
}  # fmt: skip
_TRANSLATION: Final = str.maketrans(_UNICODE)
_VULGAR: Final = re.compile("[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒]")
_SUPER_RUN: Final = re.compile(f"[{_SUPERSCRIPTS}]+")
_SUB_RUN: Final = re.compile("[₀₁₂₃₄₅₆₇₈₉]+")

_SYNONYMS: Final = {
    "dfrac": r"\frac", "tfrac": r"\frac", "cfrac": r"\frac", "leq": r"\le", "geq": r"\ge",
    "leqslant": r"\le", "geqslant": r"\ge", "lt": "<", "gt": ">", "neq": r"\ne",
    "lbrace": r"\{", "rbrace": r"\}", "lbrack": "[", "rbrack": "]", "lparen": "(", "rparen": ")",
    "vert": "|", "lvert": "|", "rvert": "|", "mid": "|", "varnothing": r"\emptyset",
    "infin": r"\infty", "simeq": r"\approx", "thickapprox": r"\approx", "cong": r"\approx",
    "doteq": r"\approx", "top": "T", "intercal": "T", "longrightarrow": r"\to",
    "longmapsto": r"\mapsto", "smallsetminus": r"\setminus", "backslash": r"\setminus",
    "bullet": r"\cdot", "dots": r"\ldots", "cdots": r"\ldots", "dotsc": r"\ldots",
    "textdegree": r"\degree", "euros": r"\euro", "middle": "", "tbinom": r"\binom",
    "dbinom": r"\binom",
    "mbox": r"\text", "mathrm": r"\text", "textbf": r"\text", "textrm": r"\text",
    "textit": r"\text", "texttt": r"\text", "textnormal": r"\text", "operatorname": r"\text",
    "hbox": r"\text", "mathsf": r"\text", "mathit": r"\text", "bold": r"\text", "rm": r"\text",
    "imath": "i", "jmath": "j",
     "mathstrut": "", "strut": "", "textstyle": "", "scriptstyle": "", "nolimits": "", "bf": "",
    "it": "", "large": "", "Large": "", "notag": "", "mathop": "",
    "mathbf": "", "boldsymbol": "", "mathcal": "", "displaystyle": "", "limits": "",
    "left": "", "right": "", "bigl": "", "bigr": "", "Bigl": "", "Bigr": "", "big": "", "Big": "",
    "biggl": "", "biggr": "", "bigg": "", "Bigg": "", "Biggl": "", "Biggr": "",
    "quad": " ", "qquad": " ", "colon": ":", "degrees": r"\degree", "percent": "%",
    "ast": r"\cdot", "cross": r"\times", "implies": r"\Rightarrow", "land": r"\text{ and }",
    "lor": r"\text{ or }", "overrightarrow": "", "vec": "", "hat": "", "nonumber": "",
}  # fmt: skip
_COMMAND: Final = re.compile(r"\\([A-Za-z]+)\*?")
_THIN: Final = re.compile(r"\\[,;:!> ]|~|\\hspace\{[^{}]{0,20}\}")
_LATEX_COMMA: Final = re.compile(r"(?<=\d) ?(?:\{ ?\\?, ?\}|, ?\\!|\\,|,\\,) ?(?=\d\d\d(?!\d))")
_TO: Final = re.compile(
    r"(?<=\d) ?(?:\\text ?\{ ?(?:to|in|out of) ?\}|\b(?:to|in|out of)\b) ?(?=\d)"
)
_DELIMITER: Final = re.compile(r"\\[()\[\]]|\$\$")
_DEGREE: Final = re.compile(r"\^ ?(?:\{ ?\\circ ?\}|\\circ(?![A-Za-z])|\\degree(?![A-Za-z]))")
_NAMED: Final = re.compile(
    r"\\(?:operatorname\*?|mathrm|text|rm|mathop) ?\{ ?"
    r"((?:arc|ar)?(?:sin|cos|tan|cot|sec|csc)h?|tg|ctg|arctg|arcctg|cosec|ln|lg|log|exp|gcd|lcm"
    r"|cis|sgn|sign) ?\}"
)
_UNIT_VECTOR: Final = re.compile(
    r"\\(?:mathbf|boldsymbol|bm|hat|vec|bf|overrightarrow) ?\{ ?"
    r"(?:\\(?:mathbf|boldsymbol|text) ?\{ ?)?\\?([ijk])(?:math)? ?(?:\} ?)?\}"
    r"|\\hat ?\\?([ijk])(?:math)?(?![A-Za-z])"
)
_EMPTY_DELIMITER: Final = re.compile(r"\\(?:left|right) ?\.")
_ORDINAL: Final = re.compile(
    r"(?<=\d)(?: ?\^ ?\{? ?)?(?:\\(?:text|mathrm|textrm) ?\{ ?)?"
    r"(?:st|nd|rd|th)(?![A-Za-z]) ?\}{0,2}"
)
_MODULO: Final = re.compile(
    r"\\(?:p|b)?mod ?(?:\{ ?(\w{1,20}) ?\}|(\w))|\((?:mod|\\bmod|\\text ?\{ ?mod ?\}) ?(\w{1,20})\)"
)
_LEADING: Final = re.compile(
    r"^(?:[=&*]|\\(?:approx|therefore|quad|displaystyle)(?![A-Za-z])|≈|(?:so|thus),? )\s*"
    r"|(?:\\\\|\*)$"
)
_COLOUR: Final = re.compile(
    r"\\(?:text)?color ?\{[A-Za-z]{1,20}\}|\\h?phantom ?\{[^{}]{0,50}\}"
    r"|\\(?:underline|small)(?![A-Za-z])"
)
_BRACED_ROWS: Final = re.compile(
    r"\\left ?\\\{ ?\\begin ?\{(array|aligned|matrix|gathered)\}(?: ?\{[lcr ]{0,9}\})?(.*?)"
    r"\\end ?\{\1\} ?\\right ?\.",
    re.DOTALL,
)
_UNIT_FRACTION: Final = re.compile(
    r"\\d?frac ?\{ ?\\(?:text|mathrm|rm) ?\{ ?([A-Za-z]{1,12}) ?\} ?\} ?\{ ?\\(?:text|mathrm|rm) ?"
    r"\{ ?([A-Za-z]{1,12}) ?\} ?(\^ ?\{?\d\}?)? ?\}"
)
_POWER_IN_TEXT: Final = re.compile(
    r"\\(?:text|mathrm) ?\{([^{}]{0,40})\^ ?\{(-?\d)\}([^{}]{0,40})\}"
)
_JOINING_TEXT: Final = re.compile(r"\\text ?\{([^{}]{1,60}?),? (and|or) ?\}(?= ?[\d\\])")
_POSITIVE_REALS: Final = re.compile(
    r"\\mathbb ?(?:\{R\}|R) ?(?:\^ ?\{?\+\}?|_ ?\{ ?> ?0 ?\}|_\+|_ ?\{ ?\+ ?\})"
)
_WITHOUT: Final = re.compile(r"(\\mathbb ?(?:\{R\}|R)) ?- ?\\\{")
_QUAD: Final = re.compile(r"\\q?quad")
_NOT_EQUAL: Final = re.compile(r"\\not ?=")
_SPACES: Final = re.compile(r"\s+")
_WRAPPED: Final = re.compile(r"\\(?:text|boxed|fbox)\s?\{([^{}]*)\}")
_BOXED: Final = re.compile(r"\\(?:boxed|fbox) ?\{(.*)\}", re.DOTALL)
_TEXT: Final = re.compile(r"\\text ?\{([^{}]*)\}")
_APART: Final = re.compile(r"(?<=\d) +(?=\d)|(?<=\d,) +(?=\d)")
"""Spaces that count: `2 1/2` is not `21/2`, `1, 200` is not `1,200`."""
_PLAIN_DEGREES: Final = re.compile(r"^([-+]?[\d.]+)\\degree$")
_ROW_SKIP: Final = re.compile(r"\\\\\[[^\[\]]{0,10}(?:pt|ex|em|mm|cm)\]")


def normalise(text: str) -> str:
    """The answer in one spelling of LaTeX, spaces collapsed; still readable by the parser."""
    return _remembered(text) if len(text) <= MAX_REMEMBERED else _normalise(text)


def _normalise(text: str) -> str:
    text = text.strip()
    if not text.isascii():
        text = _ascii(text)
    if text.isdecimal():
        return text
    if "  " in text or "\n" in text or "\t" in text:
        text = _SPACES.sub(" ", text)
    text = text.strip("*` ") if "**" in text or "`" in text else text
    text = _LEADING.sub("", text).replace("...", r"\ldots ")
    text = text.replace("{:}", ":").replace("US$", "$").replace(r"US\$", r"\$")
    if "\\" in text:
        text = _COLOUR.sub(" ", text)
        text = _BRACED_ROWS.sub(r"\\begin{cases}\2\\end{cases}", text)
        text = _UNIT_FRACTION.sub(r"\\text{\1/\2\3}", text)
        text = _POWER_IN_TEXT.sub(r"\\text{\1^\2\3}", text)
        text = _JOINING_TEXT.sub(r"\\text{\1}\\text{ \2 }", text)
        text = _POSITIVE_REALS.sub(r"(0,\\infty)", text)
        text = _WITHOUT.sub(r"\1 \\setminus \\{", text)
        text = _ROW_SKIP.sub(r"\\\\", text)
        text = _NAMED.sub(r"\\\1 ", text)
        text = _UNIT_VECTOR.sub(lambda found: rf"\vector{found[1] or found[2]} ", text)
        text = _EMPTY_DELIMITER.sub(" ", text)
        text = _QUAD.sub(" ", _NOT_EQUAL.sub(r"\\ne ", text))
    if "mod" in text:
        text = _MODULO.sub(_modulus, text)
    if "t" in text or "d" in text:
        text = _TO.sub(":", _ORDINAL.sub("", text))
    text = _LATEX_COMMA.sub("", text)
    text = _protect_rows(text)
    text = text.replace(r"\$", "\x01")
    text = _DELIMITER.sub(" ", text).replace("$", _dollar(text)).replace("\x01", r"\dollar ")
    text = text.replace(r"\%", "%").replace(r"\#", "#").replace(r"\&", "&").replace(r"\_", "_")
    text = _DEGREE.sub(r"\\degree ", text)
    text = _THIN.sub(" ", text)
    text = _COMMAND.sub(_synonym, text)
    text = _SPACES.sub(" ", text.replace("\x02", r"\\")).strip()
    return _without_stop(_unwrapped(_without_stop(text)))


_remembered = lru_cache(maxsize=2048)(_normalise)


def _without_stop(text: str) -> str:
    while text and text[-1] in ".,;:":
        text = text[:-1].rstrip()
    return text


def _unwrapped(text: str) -> str:
    for _ in range(3):
        whole = _WRAPPED.fullmatch(text)
        if whole is None:
            if not text.startswith(("\\boxed", "\\fbox")):
                break
            whole = _BOXED.fullmatch(text)
            if whole is None or not _balanced(whole[1]):
                break
        text = whole[1].strip()
    return text


def _balanced(text: str) -> bool:
    """Whether every brace in it is closed there, so that none of them is the wrapper's."""
    depth = 0
    for brace in re.finditer(r"\\.|[{}]", text):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth < 0:
            return False
    return depth == 0


def _modulus(found: re.Match[str]) -> str:
    return rf"\text{{mod {found[1] or found[2] or found[3]}}}"


def squeeze(normalised: str) -> str:
    """The string that the first tier compares: no spaces, no wrappers of text, no separators."""
    text = normalised
    if "\\text" in text:
        text = _TEXT.sub(lambda found: found[1], text)
    text = _SPACES.sub("", _APART.sub("\x03", text) if " " in text else text)
    if text.endswith("\\degree"):
        text = _PLAIN_DEGREES.sub(r"\1", text)
    if re.fullmatch(r"\([A-Za-z]\)", text):
        return text[1]
    if re.fullmatch(r"[-+]?[\d,]*\.?\d*", text):
        return squeeze_number(text)
    return text


def squeeze_number(text: str) -> str:
    """A decimal number without separators, leading zeros, trailing zeros and plus sign."""
    if not re.fullmatch(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d*)(?:\.\d*)?", text):
        return text
    sign = "-" if text.startswith("-") else ""
    whole, _, fraction = text.lstrip("+-").replace(",", "").partition(".")
    if not whole and not fraction:
        return text
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    if whole == "0" and not fraction:
        sign = ""
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _dollar(text: str) -> str:
    """What a bare dollar sign means here: money where there is one, else a delimiter."""
    return r"\dollar " if text.count("$") == 1 else " "


def _protect_rows(text: str) -> str:
    return text.replace("\\\\", "\x02") if "\\begin" in text else text.replace("\\\\", "\\")


def _synonym(found: re.Match[str]) -> str:
    name = found[1]
    if name not in _SYNONYMS:
        return found[0].rstrip("*")
    return _SYNONYMS[name]


def _ascii(text: str) -> str:
    text = _VULGAR.sub(_vulgar, text)
    text = _SUPER_RUN.sub(
        lambda run: "^{" + "".join(_SUPERSCRIPT_VALUES[c] for c in run[0]) + "}", text
    )
    text = _SUB_RUN.sub(lambda run: "_{" + "".join(_SUBSCRIPTS[c] for c in run[0]) + "}", text)
    text = unicodedata.normalize("NFKC", text.translate(_TRANSLATION))
    return text if text.isascii() else text.translate(_TRANSLATION)


def _vulgar(found: re.Match[str]) -> str:
    top, _, bottom = unicodedata.normalize("NFKC", found[0]).partition("⁄")
    return rf"\frac{{{top}}}{{{bottom}}}"
