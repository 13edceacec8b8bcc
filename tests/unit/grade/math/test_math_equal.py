"""Which answers are equal: the policy of `factory.grade.math.equal`, pair by pair."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.grade.math import MathGrader, grade
from factory.grade.math.compare import settle
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeMath
from schemas.math_policy import MathPolicy
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
75 ~ seventy-five
75 ~ \text{seventy five}
\text{seven hundred} ~ 700
1430 ~ one thousand four hundred thirty
-21 ~ minus twenty-one
1000005 ~ one million five
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
\frac{7}{3} ~ 2\tfrac13
0.5 ~ \frac{1}{2}
12345678901234567890 ~ 12,345,678,901,234,567,890
0.142857142857... ~ \frac17
0.\dot{3} ~ \frac13
0.1(6) ~ \frac16
0.333\ldots ~ 1/3
1.23 \times 10^{-5} ~ 0.0000123
1.23e-5 ~ 1.23\cdot 10^{-5}
6.02\times10^{23} ~ 602000000000000000000000
\$5.00 ~ 5
\$1,000 ~ 1000 dollars
50 cents ~ \$0.50
5 \text{ km} ~ 5000 \text{ m}
60 \text{ mph} ~ 60 miles per hour
60\text{ km/h} ~ 60 km/h
9.8 \text{ m/s}^2 ~ 9.8\ \mathrm{m/s^2}
9.8 \text{ m/s}^2 ~ 9.8
3 \text{ feet} ~ 36 \text{ inches}
5 feet 6 inches ~ 66 \text{ inches}
90^\circ ~ \frac{\pi}{2}
\frac{\pi}{2} ~ 90^\circ
45 degrees ~ 45°
45^{\circ} ~ 45 \text{ degrees}
1010_2 ~ 1010_{2}
3+4i ~ 4i+3
e^{i\pi/3} ~ \frac12+\frac{\sqrt3}{2}i
\frac{1}{2}+\frac{\sqrt{3}}{2}i ~ \cos 60^\circ + i\sin 60^\circ
\operatorname{cis}(60^\circ) ~ \frac{1+i\sqrt{3}}{2}
2\sqrt[3]{4} ~ \sqrt[3]{32}
\sqrt{3+2\sqrt2} ~ 1+\sqrt2
\log_3 81 ~ 4
\ln(e^3) ~ 3
\log_2 3 ~ \frac{\ln 3}{\ln 2}
\lg 1000 ~ 3
\ln 8 ~ 3\ln 2
5! ~ 120
\frac{10!}{8!} ~ 90
\binom{10}{3} ~ 120
{10 \choose 3} ~ 120
100! ~ 100 \cdot 99!
2^{10000} ~ 4^{5000}
2000! ~ 2000\cdot1999!
(x+1)(x+2) ~ x^2+3x+2
x^2+3x+2 ~ 2+x^2+3x
\frac{x}{2}+\frac{1}{2} ~ \frac{x+1}{2}
(a+b)^2 ~ a^2+2ab+b^2
y=2x+1 ~ 2x+1
y=2x+1 ~ y = 1+2x
2x-y+1=0 ~ y=2x+1
y - 3 = 2(x-1) ~ y=2x+1
x^2+y^2=25 ~ y^2 + x^2 - 25 = 0
x=1,y=2 ~ (1,2)
(x,y)=(1,2) ~ (1,2)
(x, y) = (1, 2) ~ x=1, y=2
\begin{cases} x=1 \\ y=2 \end{cases} ~ x=1,y=2
x=1 \text{ and } y=2 ~ y=2,x=1
x_1=1, x_2=3 ~ 1, 3
x=1,3 ~ x=1 \text{ or } x=3
1,2,3 ~ 3,2,1
1, 2 \text{ and } 3 ~ 1,2,3
\{1,2,3\} ~ \{3,1,2\}
\{1,1,2\} ~ \{1,2\}
(1,2,3) ~ \langle 1,2,3\rangle
\begin{pmatrix}1\\2\end{pmatrix} ~ (1,2)
\begin{bmatrix}1&2\\3&4\end{bmatrix} ~ \begin{pmatrix}1&2\\3&4\end{pmatrix}
\frac12\begin{pmatrix}2\\4\end{pmatrix} ~ \begin{pmatrix}1\\2\end{pmatrix}
2\mathbf{i}+3\mathbf{j}-\mathbf{k} ~ (2,3,-1)
2\hat{i}+3\hat{j} + \hat k ~ \langle 2,3,1\rangle
[0,1] ~ 0\le x\le1
(0,\infty) ~ x>0
(-\infty,2)\cup(2,\infty) ~ x\ne2
\mathbb{R}\setminus\{2\} ~ (-\infty,2)\cup(2,\infty)
(-\infty,-1)\cup(1,\infty) ~ |x|>1
x<-1 \text{ or } x>1 ~ (-\infty,-1)\cup(1,\infty)
[1,2]\cup[2,3] ~ [1,3]
\{x \mid x>3\} ~ (3,\infty)
\{x \in \mathbb{R} : x \ge 3\} ~ [3,\infty)
x \in [2,5] ~ 2 \leq x \leq 5
2x > 6 ~ x > 3
-x < 3 ~ x > -3
3 \pm 2\sqrt2 ~ 3+2\sqrt2, 3-2\sqrt2
x = \frac{-1 \pm \sqrt5}{2} ~ \frac{-1+\sqrt5}{2}, \frac{-1-\sqrt5}{2}
\pm 3 ~ \{3,-3\}
f(x)=x^2+1 ~ x^2+1
f(x)=x^2+1 ~ f(t)=t^2+1
f(x)=x^2+1 ~ y=x^2+1
f^{-1}(x)=\frac{x-1}{2} ~ \frac{x-1}{2}
\infty ~ infinity
\infty ~ +\infty
-\infty ~ -infinity
\infty ~ \text{infinitely many}
\emptyset ~ \text{no solution}
\varnothing ~ \{\}
\text{no real solutions} ~ no solution
\text{yes} ~ Yes
\text{Yes} ~ yes.
\text{(B)} ~ B
B ~ (B)
B ~ \textbf{(B)}
B ~ B) 25
C ~ \text{C}
4:30 \text{ p.m.} ~ 4:30 PM
4:30 \text{ p.m.} ~ 16:30
12:00 noon ~ 12:00 \text{ p.m.}
7 am ~ 7:00 AM
3:2 ~ \frac32
3:2 ~ 3/2
1:2:3 ~ 2:4:6
1½ ~ 1.5
√2/2 ~ \frac{\sqrt2}{2}
x² + 1 ~ x^2+1
2π ~ 2\pi
π/4 ~ \frac{\pi}{4}
−3 ~ -3
∞ ~ \infty
3 × 10⁵ ~ 300000
\frac{\sqrt{2}}{2} ~ 0.70710678
\pi ~ 3.141593
\sqrt2 ~ 1.414214
\frac{2}{3} ~ 0.666667
\frac{2}{3} ~ 0.666666
12\% ~ 0.12
12\% ~ 12
25\text{ percent} ~ 25\%
0.25 ~ 25\%
\arcsin 1 ~ \frac{\pi}{2}
\sin^{-1} 1 ~ \frac{\pi}{2}
\tan^{-1}(x) ~ \arctan x
\operatorname{tg} x ~ \tan x
\sec x ~ \frac{1}{\cos x}
\sin 2x ~ 2 \sin x \cos x
\cos^2 x - \sin^2 x ~ \cos 2x
e^{2x} ~ (e^x)^2
e^{\ln 5} ~ 5
\sqrt{x^2} ~ |x|
\frac{1}{\sqrt{3}} ~ \frac{\sqrt3}{3}
x^{-1} ~ \frac1x
x^{1/2} ~ \sqrt{x}
a^{-2}b ~ \frac{b}{a^2}
\text{June 5} ~ June 5
1,000,000 ~ 10^6
10\text{ million} ~ 10000000
1.5 million ~ 1,500,000
\$2.5 \text{ million} ~ 2500000
7\text{th} ~ 7
7^{\text{th}} ~ 7th
3 \pmod{7} ~ 3
x \equiv 3 \pmod 7 ~ 3
five ~ 5
\frac{3}{4} \text{ cup} ~ 0.75
18\text{ ways} ~ 18 different ways
100\text{ square meters} ~ 100 \text{ m}^2
1 \text{ m}^2 ~ 10000\text{ cm}^2
1 \text{ L} ~ 1000 \text{ mL}
2 \text{ hours} ~ 120 \text{ minutes}
\sqrt{2} \approx 1.414 ~ \sqrt2
x \approx 1.41 ~ 1.41
2+3=5 ~ 5
S = 2+3 = 5 ~ 5
\left(\frac{1}{2}, -3\right) ~ (0.5,-3)
(x-3)^2+(y+1)^2=4 ~ (y+1)^2+(x-3)^2=4
\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix} ~ \begin{bmatrix} 1 & 0 \\ 0 & 1 \end{bmatrix}
\left[\begin{array}{cc}1&2\\3&4\end{array}\right] ~ \begin{pmatrix}1&2\\3&4\end{pmatrix}
\begin{vmatrix}1&2\\3&4\end{vmatrix} ~ -2
\{(1,2),(3,4)\} ~ (3,4),(1,2)
(1,2),(3,4) ~ (3,4), (1,2)
\text{all real numbers} ~ (-\infty,\infty)
\mathbb{R} ~ all real numbers
|x-2|<3 ~ (-1,5)
x^2+2x+1=0 ~ 2x^2+4x+2=0
2x+3y<6 ~ 6>2x+3y
n(n+1)/2 ~ \frac{n(n+1)}{2}
\frac{n(n+1)}{2} ~ \frac{n^2+n}{2}
2^n \cdot 2 ~ 2^{n+1}
(-1)^{n+1} ~ -(-1)^n
\log_{10} x ~ \log x
\ln x^2 ~ 2\ln|x|
\frac{a}{b} ~ a/b
a\cdot b ~ ba
10^{-20} ~ 0.00000000000000000001
\text{Tuesday} ~ tuesday
A = 5 ~ 5
5 = x ~ x=5
0 ~ -0
\sqrt{-9} ~ 3i
i^2 ~ -1
\frac{5}{\sqrt{5}} ~ \sqrt5
\left\lfloor \pi \right\rfloor ~ 3
\gcd(12,18) ~ 6
8!! ~ 384
2\sqrt{6}+\sqrt{3} ~ \sqrt{24}+\sqrt{3}
30 \text{ miles/hour} ~ 30 mph
\frac{\pi}{6} \text{ radians} ~ \frac{\pi}{6}
180 \text{ cm} ~ 1.8 m
100^\circ\text{C} ~ 212^\circ\text{F}
20°C ~ 20
x>2 ~ 2<x
x \ge 2 ~ [2,\infty)
-3<x<3 ~ |x|<3
(-3,3) ~ |x|<3
k\pi, k\in\mathbb{Z} ~ k\pi, k \in \mathbb{Z}
3x^2+C ~ C+3x^2
\vec{v}=(1,2) ~ (1,2)
\angle ABC ~ \angle ABC
\triangle ABC ~ \triangle ABC
|3+4i| ~ 5
|1+i|^2 ~ 2
|x+iy|^2 ~ x^2+y^2
|\sin x+\cos x|^2 ~ 1+\sin 2x
|e^{ix}+1|^2 ~ 2+2\cos x
"""

UNEQUAL = r"""
|1+i|^2 ~ 2i
|\sqrt{x}+i|^2 ~ x-1
\sqrt{\sqrt[3]{x^2}} ~ \sqrt[3]{x}
\sqrt{(x+1)^{66}} ~ (x+1)^{33}
|(-1)^i+1|^2 ~ 2+(-1)^i+(-1)^{-i}
|1+\sqrt{1-\sqrt3}|^2 ~ (1+\sqrt{1-\sqrt3})^2
|1+\ln(1-\sqrt3)|^2 ~ (1+\ln(1-\sqrt3))^2
|1+\arcsin 2|^2 ~ (1+\arcsin 2)^2
\frac{(x^2)^y}{(x^2)^{y-1/2}} ~ x
\ln(e^{5\ln(1+i)}) ~ 5\ln(1+i)
|e^{ix}+1|^2 ~ e^{2ix}+2e^{ix}+1
|x^i+1|^2 ~ x^{2i}+2x^i+1
\sin 2x ~ 2\sin x
\sqrt{\cos 2x+i\sin 2x} ~ \cos x+i\sin x
\sqrt{\sin^2 x} ~ \sin x
\tan 2x ~ \frac{2\tan x}{1+\tan^2 x}
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
\frac12 ~ \frac{1}{3}
0.33333 ~ \frac13
3.1416 ~ \pi
12345678901234567890123 ~ 12345678901234567890124
10^{-20} ~ 2\cdot10^{-20}
10^{-20} ~ 0
2^{10000} ~ 2^{10001}
100! ~ 99!
\$5 ~ 5 \text{ euros}
5 \text{ kg} ~ 5 \text{ m}
60 \text{ mph} ~ 60 \text{ km/h}
90^\circ ~ 90 \text{ radians}
90^\circ ~ \frac{\pi}{3}
1010_2 ~ 1010_3
3+4i ~ 3-4i
3+4i ~ 4+3i
\sqrt2+\sqrt3 ~ \sqrt5
\log 5 ~ \ln 5
2x ~ x^2
y=2x+1 ~ y=2x-1
y=2x+1 ~ x=2y+1
x=5 ~ y=5
[1,2] ~ [1,2)
(1,2) ~ 1,2
1,2,3 ~ 1,2
[0,1] ~ 0\le x<1
(0,\infty) ~ x\ge0
(-\infty,2)\cup(2,\infty) ~ (-\infty,\infty)
x>3 ~ x<3
x>3 ~ y>3
\pm 3 ~ 3
3 \pm 2\sqrt2 ~ 3+2\sqrt2
x=1,y=2 ~ x=2,y=1
x=1,y=2 ~ (2,1)
\emptyset ~ 0
\emptyset ~ \{0\}
\text{yes} ~ no
B ~ C
B ~ A) 25
4:30 \text{ p.m.} ~ 4:30 AM
3:2 ~ 2:3
1:2:3 ~ 1:2:4
50\% ~ 500
50 ~ 0.5
5m ~ 5
2g ~ 2
x ~ 1
\sin x ~ x
f(x)=x^2 ~ x^3
f(x) = x^2 ~ x = 2
\begin{pmatrix}1&2\\3&4\end{pmatrix} ~ \begin{pmatrix}1&3\\2&4\end{pmatrix}
\begin{pmatrix}1\\2\end{pmatrix} ~ (2,1)
\begin{pmatrix}1&2\end{pmatrix} ~ \begin{pmatrix}1\\2\end{pmatrix}
2x+3y=6 ~ 2x+3y=7
x^2+y^2=25 ~ x^2+y^2=5
2x+3y<6 ~ 2x+3y>6
2x+3y<6 ~ 2x+3y\le6
1,234 ~ 1.234
1.5 ~ 1,5
2 1/2 ~ 21/2
2\frac12 ~ 1
2 \cdot 10^3 ~ 2 \cdot 10^4
3.0000001 ~ 3
0.9999999 ~ 1
10 apples ~ 10 oranges
five ~ 6
\text{June 5} ~ June 6
|x|<3 ~ x<3
\frac{a}{b} ~ \frac{b}{a}
a-b ~ b-a
a^2b ~ ab^2
2^n ~ n^2
e^x ~ e^{-x}
\arctan x ~ \frac{1}{\tan x}
\sin^2 x ~ \sin x^2
\log_2 8 ~ \log_8 2
\sqrt[3]{8} ~ \sqrt8
x \equiv 3 \pmod 7 ~ 3 \pmod 5
[1,2]\cup[3,4] ~ [1,4]
\{1,2\} ~ \{1,2,2,3\}
\text{odd} ~ even
\text{all real numbers} ~ no solution
(0,1) ~ 1
\frac{1}{0} ~ 1
0/0 ~ 0
10 ~ 10!
3 ~ 3!
7 ~ seven hundred
75 ~ seventy-six
1200 ~ one thousand two hundred million
26 ~ twenty sixteen
700 ~ hundred seven
\frac{2}{3} ~ 0.6666677
1/3 ~ 0.3333334
C ~ 25
2+3=6 ~ 6
20°C ~ 20°F
(1,2),(3,4) ~ (1,4),(3,2)
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


def test_integers_of_any_length_are_compared_digit_by_digit(grader: MathGrader) -> None:
    digits = "1234567890" * 700
    assert status(grader, digits, digits[:-1] + "1") is Status.INCORRECT
    assert status(grader, digits, f"+{digits}") is Status.CORRECT
    assert status(grader, f"-{digits}", digits) is Status.INCORRECT
    assert status(grader, "-7", "--7") is not Status.CORRECT
    assert status(grader, "0" * 6000, "0") is Status.CORRECT
    assert status(grader, "1" + "0" * 6000, "10^{6000}") is Status.CORRECT
    assert status(grader, "1" + "0" * 6000, "10^{6001}") is Status.INCORRECT


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


IDENTITIES = r"""
\sin^2 x+\cos^2 x ~ 1
\sec^2 x ~ 1+\tan^2 x
\cot x+\tan x ~ 2\csc 2x
\cos 3x ~ 4\cos^3 x-3\cos x
\tan \frac{x}{2} ~ \frac{1-\cos x}{\sin x}
\sin(x+y) ~ \sin x\cos y+\cos x\sin y
\sin(x+\frac{\pi}{3}) ~ \frac12\sin x+\frac{\sqrt3}{2}\cos x
\sin^2(x^2) ~ \frac{1-\cos 2x^2}{2}
\sqrt{\cos^2 x-\sin^2 x} ~ \sqrt{\cos 2x}
(\cos x+i\sin x)^5 ~ \cos 5x+i\sin 5x
\cosh^2 x-\sinh^2 x ~ 1
\tanh x ~ \frac{e^{2x}-1}{e^{2x}+1}
\coth x ~ \frac{\cosh x}{\sinh x}
"""


@pytest.mark.parametrize(("gold", "answer"), pairs(IDENTITIES))
def test_identities_of_trigonometry_are_decided_without_a_worker(gold: str, answer: str) -> None:
    for one, other in ((gold, answer), (answer, gold)):
        finding = settle(one, other)
        assert finding is not None
        assert (finding.status, finding.method) == (Status.CORRECT, "normal")


@given(st.integers(1, 999), st.integers(1, 999), st.integers(1, 5))
def test_products_of_sines_are_sums_of_sines_and_of_no_others(k: int, m: int, apart: int) -> None:
    product = rf"2\sin({k}x)\cos({m}x)"
    equal = settle(product, rf"\sin({k + m}x)+\sin({k - m}x)")
    assert equal is not None
    assert equal.status is Status.CORRECT
    other = settle(product, rf"\sin({k + m + apart}x)+\sin({k - m}x)")
    assert other is not None
    assert other.status is Status.INCORRECT


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


def test_hand_labelled_hard_pairs_have_their_labels(grader: MathGrader) -> None:
    lines = Path("benchmarks/math_pairs/hard.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) > 900 and all(row["reason"] for row in rows)
    verdicts = grader.grade_answers([(row["gold"], row["answer"]) for row in rows])
    wrong = [
        (row["gold"], row["answer"], verdict.status)
        for row, verdict in zip(rows, verdicts, strict=True)
        if (verdict.status is Status.CORRECT) != row["equal"]
    ]
    assert wrong == []


def test_pairs_labelled_blind_are_accepted_only_where_they_are_equal(grader: MathGrader) -> None:
    lines = Path("benchmarks/math_pairs/blind.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    verdicts = grader.grade_answers([(row["gold"], row["answer"]) for row in rows])
    correct = [verdict.status is Status.CORRECT for verdict in verdicts]
    accepted = [
        (row["gold"], row["answer"])
        for row, right in zip(rows, correct, strict=True)
        if right and not row["equal"]
    ]
    assert accepted == [(r"\lfloor x\rfloor", r"\lfloor x+10^{-9}\rfloor")]
    missed = sum(row["equal"] and not right for row, right in zip(rows, correct, strict=True))
    assert missed <= 60  # of 1,530: what docs/math_grading.md says is not covered


POLICIES = [
    ("decimal_figures", 3, r"\frac13", "0.333", True),
    ("decimal_figures", 0, r"\frac13", "0.33333333", False),
    ("percent", "value", r"50\%", "50", False),
    ("percent", "value", r"50\%", "0.5", True),
    ("missing_unit", False, r"5 \text{ cm}", "5", False),
    ("missing_unit", False, r"72^\circ", "72", False),
    ("convert_units", False, r"5 \text{ cm}", r"50 \text{ mm}", False),
    ("missing_base", False, "1202_3", "1202", False),
    ("ordered_lists", True, "1, 2", "2, 1", False),
    ("ordered_lists", True, r"\{1, 2\}", r"\{2, 1\}", True),
    ("assignments", False, "x = 5", "5", False),
    ("single_brackets", False, r"\{5\}", "5", False),
    ("single_brackets", False, r"\{5\}", r"\{ 5 \}", True),
    ("ratio_is_fraction", False, "1:2", r"\frac12", False),
    ("ratio_is_fraction", False, "1:2", "2:4", True),
    ("empty_set_is_no_solution", False, r"\emptyset", r"\text{no solution}", False),
    ("infinity_is_endless", False, r"\infty", r"\text{infinitely many}", False),
    ("letters", "positive", r"\sqrt{x^2}", "x", True),
    ("letters_commute", False, "ab", "ba", False),
    ("letters_commute", False, "2ab", "ab + ab", True),
    ("decimal_comma", True, "1.5", "1,5", True),
]


@pytest.mark.parametrize(
    ("setting", "value", "gold", "answer", "equal"),
    POLICIES,
    ids=[f"{name}={value}: {gold} ~ {answer}" for name, value, gold, answer, _ in POLICIES],
)
def test_each_choice_of_the_policy_is_a_setting(
    setting: str, value: object, gold: str, answer: str, equal: bool
) -> None:
    policy = MathPolicy.model_validate({setting: value})
    verdict = grade(gold, rf"\boxed{{{answer}}}", policy=policy)
    assert (verdict.status is Status.CORRECT) == equal
    if equal != (grade(gold, rf"\boxed{{{answer}}}").status is Status.CORRECT):
        return  # the default says otherwise, so the setting made the difference
    assert equal, "a pair that the default already refuses shows nothing"


def test_every_setting_of_the_policy_is_tried() -> None:
    assert {name for name, *_ in POLICIES} == set(MathPolicy.model_fields)
