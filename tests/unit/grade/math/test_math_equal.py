"""Which answers are equal: the policy of `factory.grade.math.equal`, pair by pair."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.grade.math import MathGrader
from factory.grade.math.compare import settle
from schemas.candidate import FinishReason
from schemas.recipe import GradeMath
from schemas.verdict import Status

EQUAL = r"""
\frac{1}{2} ~ 0.5
\frac12 ~ 1/2
\dfrac{3}{4} ~ \tfrac34
½ ~ 0.5
2½ ~ 5/2
11 \frac{2}{3} ~ \frac{35}{3}
1 1/2 ~ 1.5
1,000 ~ 1000
1{,}000 ~ 1000
10,\!000 ~ 10000
\$1,234.50 ~ 1234.5
\$18.90 ~ 18.9
50\% ~ 50
50\% ~ 0.5
44\% ~ 44 \%
72^\circ ~ 72
72^\circ ~ 72°
1202_3 ~ 1202_{3}
5 \text{ cm} ~ 5
5 \text{ cm} ~ 50 \text{ mm}
1599 \text{ dollars} ~ \$1599
90\text{ square units} ~ 90
45 \text{ units}^2 ~ 45
x = 5 ~ 5
y = 2x + 3 ~ 2x+3
y = 2x + 3 ~ y - 2x = 3
2x + 3y = 6 ~ 4x + 6y = 12
f(x) = x^2 ~ x^2
(x-1)(x+1) ~ x^2-1
x^2 - 1 ~ (x-1)(x+1)
2\sqrt{3} ~ \sqrt{12}
\sqrt3 ~ 3^{1/2}
\frac{1}{\sqrt{2}} ~ \frac{\sqrt{2}}{2}
√12 ~ 2√3
2√3 ~ 2\sqrt{3}
\sqrt[3]{-8} ~ -2
0.333333 ~ \frac{1}{3}
3.141592653 ~ \pi
0.\overline{3} ~ 1/3
0.1\overline{6} ~ \frac16
1.5e3 ~ 1500
3 \times 10^5 ~ 300000
2^{100} ~ 4^{50}
10! ~ 3628800
\binom{5}{2} ~ 10
5,-3 ~ -3, 5
\{1,2,3\} ~ 3,2,1
\{5\} ~ 5
(1,2) ~ (1, 2)
(1,2,3) ~ \begin{pmatrix} 1 \\ 2 \\ 3 \end{pmatrix}
\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} ~ \begin{bmatrix} 1&2\\3&4 \end{bmatrix}
\begin{pmatrix} -1/3 \\ 2/3 \end{pmatrix} ~ \begin{pmatrix} -\frac13 \\ \frac23 \end{pmatrix}
(-\infty, 2) \cup (3, \infty) ~ (3,\infty) ∪ (-∞,2)
[0, 1) ~ 0 \le x < 1
(3, \infty) ~ x > 3
x \in [1,2] ~ [1,2]
x < 3 ~ 3 > x
3 \pm \sqrt{2} ~ 3+\sqrt{2}, 3-\sqrt2
\pm 5 ~ 5, -5
x = 1 \text{ or } x = 2 ~ 1, 2
1:2 ~ \frac12
\text{Monday} ~ monday
\text{(C)} ~ C
\text{C} ~ (C)
\text{no solution} ~ \emptyset
\text{odd} ~ Odd
\text{B, E, G} ~ G, B, E
\sin 30^\circ ~ \frac12
\cos 2x ~ 1 - 2\sin^2 x
\sin^{-1}(1) ~ \frac{\pi}{2}
\log_2 8 ~ 3
\log 100 ~ 2
\ln e^2 ~ 2
|{-5}| ~ 5
|x-1| ~ |1-x|
e^{i\pi} ~ -1
3i + 2 ~ 2+3i
\frac{1}{1+i} ~ \frac{1-i}{2}
36x \sqrt{35x} ~ 36 \sqrt{35} x^{3/2}
\frac{x^2-1}{x-1} ~ x+1
a(b+c) ~ ab + ac
ab ~ b a
\frac{9}{4}, -\frac{9}{4} ~ \pm \frac94
\lfloor 3.7 \rfloor ~ 3
\boxed{5} ~ 5
$\frac{1}{2}$ ~ .5
-0 ~ 0
007 ~ 7
+5 ~ 5
x^{2}y ~ yx^2
2.50 ~ 5/2
360,000 ~ 360000
27^\circ, 63^\circ ~ 63, 27
x=1, y=2 ~ (1,2)
\frac{h^2}{m} ~ h^2/m
3 - 2f(x) ~ -2f(x)+3
-\frac{1}{2} ~ \frac{-1}{2}
-\frac{1}{2} ~ \frac{1}{-2}
2^{-3} ~ \frac18
x^10 ~ x^{10}
1:03 \text{ PM} ~ 1:03 PM
4:30 p.m. ~ \text{4:30 PM}
10\;\text{edges} ~ 10
18\text{ ways.} ~ 18
5 apples ~ 5
\text{13} ~ 13
\frac{\pi}{3} ~ π/3
\frac{\sqrt{2}+\sqrt{6}}{4} ~ \cos 15^\circ
\sqrt{5+2\sqrt{6}} ~ \sqrt2+\sqrt3
100,200,300 ~ 100, 200, 300
\gcd(12, 18) ~ 6
\text{lcm}(4, 6) ~ \text{lcm}(4,6)
\max(2, \sqrt{5}) ~ \sqrt{5}
f'(x) + 1 ~ 1 + f'(x)
0.\overline{142857} ~ \frac{1}{7}
2/3 ~ \frac{2}{3}
-3/4 ~ -0.75
x \neq 3 ~ x \ne 3
\mathbb{R} ~ (-\infty, \infty)
\left(\frac{3}{5},\frac{8}{3}\right] ~ \frac{3}{5} < x \leq \frac{8}{3}
1.5 \times 10^{-3} ~ 0.0015
\sqrt{16} ~ 4
A,B ~ \text{A and B}
"""

UNEQUAL = r"""
\frac12 ~ \frac13
0.33 ~ \frac13
3.14 ~ \pi
(1,2) ~ (2,1)
(1,2) ~ [1,2]
(1,2) ~ [1,2)
(1,2) ~ \{1,2\}
1,2 ~ 1,2,3
\{1,2\} ~ \{1,3\}
0.5 ~ 50
50\% ~ 5
50\% ~ 0.05
5 \text{ cm} ~ 5 \text{ m}
5 \text{ cm} ~ 5 \text{ kg}
1202_3 ~ 1202_4
x > 3 ~ x \ge 3
x > 3 ~ x < 3
x+1 ~ x-1
x^2 ~ x^3
x ~ y
\sqrt{x^2} ~ x
y = 2x+3 ~ y = 2x+4
2x+3y=6 ~ 4x+6y=13
\begin{pmatrix} 1 \\ 2 \end{pmatrix} ~ \begin{pmatrix} 2 \\ 1 \end{pmatrix}
\frac{1}{2004!} ~ 0
\frac{1}{10^{50}} ~ \frac{1}{10^{51}}
2^{1000} ~ 2^{1001}
10^{100} ~ 10^{100}+1
\text{Monday} ~ Tuesday
\text{no solution} ~ 0
\infty ~ -\infty
3 \pm \sqrt2 ~ 3+\sqrt2
2+3i ~ 2-3i
1234 ~ 12345
1,000 ~ 1,00
f(x) ~ g(x)
\sin x ~ \cos x
10^{-10} ~ 10^{-11}
1000000 ~ 1000001
3.14159 ~ 3.14160
C ~ D
x = 1, y = 2 ~ (2,1)
\$5 ~ 5 cents
12 ~ 21
\log x ~ \ln x
420 ~ 420.000001
420 ~ 419.999999
\sqrt{2} ~ 1.414
\sqrt{2} ~ 1.41422
(3,4) ~ 3
25 ~ x^2
2^{2^{2^{2^{10}}}} ~ 5
"""


def pairs(table: str) -> list[tuple[str, str]]:
    lines = [line.split(" ~ ") for line in table.strip().splitlines()]
    return [(gold.strip(), answer.strip()) for gold, answer in lines]


@pytest.fixture(scope="module")
def grader() -> Iterator[MathGrader]:
    with MathGrader(GradeMath(), workers=1) as opened:
        yield opened


def status(grader: MathGrader, gold: str, answer: str) -> Status:
    response = f"It follows that \\boxed{{{answer}}}."
    return grader.grade_texts([(gold, response, FinishReason.STOP)])[0].status


@pytest.mark.parametrize(("gold", "answer"), pairs(EQUAL))
def test_equal_answers_are_correct_in_both_directions(
    grader: MathGrader, gold: str, answer: str
) -> None:
    assert status(grader, gold, answer) is Status.CORRECT
    assert status(grader, answer, gold) is Status.CORRECT


def test_a_base_may_be_missing_in_the_answer_but_not_in_the_gold(grader: MathGrader) -> None:
    assert status(grader, "1202_3", "1202") is Status.CORRECT
    assert status(grader, "1202", "1202_3") is Status.INCORRECT


@pytest.mark.parametrize(("gold", "answer"), pairs(UNEQUAL))
def test_unequal_answers_are_not_correct_in_either_direction(
    grader: MathGrader, gold: str, answer: str
) -> None:
    assert status(grader, gold, answer) is not Status.CORRECT
    assert status(grader, answer, gold) is not Status.CORRECT


fractions = st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**4)


def latex(value: Fraction) -> str:
    sign = "-" if value < 0 else ""
    if value.denominator == 1:
        return str(value)
    return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


@given(fractions, fractions)
def test_rational_answers_are_equal_exactly_when_their_values_are(
    one: Fraction, other: Fraction
) -> None:
    found = settle(latex(one), f"{other.numerator}/{other.denominator}")
    assert found is not None
    assert (found.status is Status.CORRECT) == (one == other)
    assert settle(latex(one), f"{one.numerator}/{one.denominator}") is not None


@given(st.lists(st.integers(-99, 99), min_size=2, max_size=6))
def test_the_order_of_a_list_does_not_matter_and_that_of_a_tuple_does(
    numbers: list[int],
) -> None:
    turned = list(reversed(numbers))
    bare, back = ", ".join(map(str, numbers)), ", ".join(map(str, turned))
    lists, tuples = settle(bare, back), settle(f"({bare})", f"({back})")
    assert lists is not None and lists.status is Status.CORRECT
    assert tuples is not None and (tuples.status is Status.CORRECT) == (numbers == turned)


@given(st.integers(-(10**30), 10**30))
def test_a_number_equals_itself_with_separators_and_not_its_neighbour(number: int) -> None:
    same, next_one = settle(str(number), f"{number:,}"), settle(str(number), str(number + 1))
    assert same is not None and same.status is Status.CORRECT
    assert next_one is not None and next_one.status is Status.INCORRECT


readable = st.recursive(
    st.one_of(
        st.integers(0, 50).map(str),
        st.sampled_from(["x", "y", "n", r"\pi", "e", "i", "2.5", "a_1"]),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: rf"\frac{{{two[0]}}}{{{two[1]}}}"),
        st.tuples(inner, st.sampled_from("+-"), inner).map(lambda three: f"({''.join(three)})"),
        inner.map(lambda one: rf"\sqrt{{{one}}}"),
        inner.map(lambda one: rf"{{{one}}}^{{2}}"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}, {two[1]})"),
        inner.map(lambda one: rf"\sin({one})"),
    ),
    max_leaves=6,
)


@given(readable)
def test_every_answer_equals_itself_and_itself_with_other_spaces(answer: str) -> None:
    for spelled in (answer, f" {answer} ", answer.replace("+", " + "), f"${answer}$"):
        found = settle(answer, spelled)
        assert found is not None and found.status is Status.CORRECT
