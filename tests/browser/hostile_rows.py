"""Rows that a page must survive: markup, endless texts, broken mathematics, turned directions."""

from __future__ import annotations

from typing import Any, Final

from schemas.verdict import Status
from tests.unit.retort.run_folders import Rows
from tests.unit.select.graded_artifacts import Graded, candidate_row, problem, verdict_row

PWN: Final = "<script>window.pwned=1</script><img src=x onerror='window.pwned=2'>"
HOSTILE: Final = "h/&lt;b&gt;\"'><img src=x onerror=window.pwned=3>&amp;"
LINKS: Final = "javascript:window.pwned=4 [go](javascript:window.pwned=5) </script></textarea>"
TURNED: Final = "abc\u202eevil\u202c \u2066in\u2069 \u0645\u0631\u062d\u0628\u0627 \u200b\x00\x07"
ZALGO: Final = "z" + "\u0301\u0302\u0334\u0489" * 300
MILLION: Final = 1_000_000
INVALID: Final = (
    r"Valid \(x^2\), invalid \(\frac{1}{\), unknown \(\notacommand{x}\), "
    r"\(\href{javascript:window.pwned=6}{go}\) \(\includegraphics{http://192.0.2.1/a.png}\) "
    r"\(\htmlData{a=b}{x}\) \(\def\a{\a\a}\a\) \(\rule{9999em}{9999em}\) $5 and $10."
)
GOOD: Final = "The mathematics problem: what is $2+2$, where \\[x = \\frac{4}{1}\\] holds?"
PROGRAM: Final = "def four():\n    return 4  # four"


def hostile(rows: Rows) -> None:
    """Add a good problem, a program and a hostile problem to the first round of a run."""
    rows.problems += [
        problem("math/good", source="words", statement=GOOD, level="2").model_dump(mode="json"),
        problem("code/four", source="sets", domain="code", grader="code").model_dump(mode="json"),
        problem(
            HOSTILE,
            source=PWN,
            category=TURNED,
            level=ZALGO,
            statement=f"{PWN} {LINKS} {TURNED} {ZALGO} {INVALID}",
            gold=PWN,
            solution=PWN,
        ).model_dump(mode="json"),
    ]
    wrong: dict[str, Any] = {"extracted": "5", "method": "rational", "detail": "5 is not 4"}
    failed: dict[str, Any] = {
        "extracted": PROGRAM,
        "method": "sandbox",
        "detail": "case 2: expected 5, found 4",
        "passed": 1,
        "total": 3,
    }
    evil: dict[str, Any] = {"extracted": PWN, "method": PWN, "detail": PWN + TURNED}
    some = [
        Graded("math/good", 0, "<think>\nTwo $x=2$ twice.\n</think>\n\n\\(\\boxed{4}\\)"),
        Graded("math/good", 1, "<think>\nhaystack\n</think>\n\n5", Status.INCORRECT, verdict=wrong),
        Graded("math/good", 2, "<think>\nit never ends", Status.TRUNCATED),
        Graded(
            "code/four",
            0,
            f"<think>\nplan\n</think>\n\n```python\n{PROGRAM}\n```",
            Status.INCORRECT,
            verdict=failed,
        ),
        Graded(HOSTILE, 0, f"<think>\n{PWN}{LINKS}\n</think>\n\n{PWN}{LINKS}{INVALID}"),
        Graded(HOSTILE, 1, "x" * MILLION, Status.ERROR, verdict=evil),
        Graded(HOSTILE, 2, f"<think>\n{'$x^2$ ' * (MILLION // 6)}</think>\n{TURNED}{ZALGO}"),
        Graded(HOSTILE, 3, "```<script>\n" + PWN + "\n```\n" + "\\[" * 50_000),
        Graded(HOSTILE, 4, "\x00" * 1000 + "\u202e\x07" * 5000),
        Graded(HOSTILE, 5, "\\(" + "{" * 3_000 + "\\) $" + "\\frac" * 700 + "$ $$" * 30_000),
    ]
    rows.candidates[0] += [candidate_row(one) for one in some]
    rows.verdicts[0] += [verdict_row(one) for one in some]
    rows.dropped += [
        {
            "candidate_id": one.candidate_id,
            "problem_id": one.problem_id,
            "reason": str(one.status) if one.status != Status.CORRECT else "surplus",
            "detail": PWN if one.problem_id == HOSTILE else "as the test says",
        }
        for one in some
    ]
