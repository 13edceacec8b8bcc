"""Languages beside Python: C++, and others as the guide in `sandboxes/README.md` adds them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from sandboxes import (
    CPP,
    ImageMissing,
    Language,
    Limits,
    Outcome,
    SandboxPool,
    Verdict,
    language_of,
    parse_tests,
)
from sandboxes.client import connect
from sandboxes.image import content_digest, image_digest
from sandboxes.inside.native import ARTIFACT
from sandboxes.languages import PYTHON_IMAGE, SOURCE

Run = Callable[..., Outcome]
HEAD = "#include <bits/stdc++.h>\nusing namespace std;\n"


@pytest.fixture(scope="module")
def cpp(pool: SandboxPool) -> Iterator[Run]:
    """Run a C++ program on inputs that each have an expected output."""
    try:
        programs = SandboxPool(language=CPP, slots=1).__enter__()
    except ImageMissing as error:
        if os.environ.get("RETORT_NO_SKIPS"):
            raise
        pytest.skip(f"{error}")

    def run(program: str, *cases: tuple[str, str], **limits: Any) -> Outcome:
        tests = {"kind": "stdio", "cases": [{"stdin": one, "stdout": two} for one, two in cases]}
        given = {"wall_s": 8.0, "cpu_s": 4.0} | limits
        return programs.run(f"{HEAD}{program}", parse_tests(tests), Limits(**given))

    yield run
    programs.__exit__(None, None, None)


ADD = "int main() { long long a, b; cin >> a >> b; cout << a + b << endl; }"


def test_a_program_is_compiled_once_and_runs_on_every_case(cpp: Run) -> None:
    outcome = cpp(ADD, *[(f"{n} {n}", f"{2 * n}") for n in range(40)])
    assert (outcome.verdict, outcome.passed, outcome.total) == (Verdict.CORRECT, 40, 40)
    assert outcome.wall_s < 4, "the compiler's time is not the program's"


def test_a_wrong_case_is_named(cpp: Run) -> None:
    outcome = cpp(ADD, ("1 2", "3"), ("2 2", "5"), ("0 0", "0"))
    assert (outcome.verdict, outcome.passed) == (Verdict.INCORRECT, 2)
    assert outcome.detail == "case 2: line 1: expected '5', found '4'"


BAD = {
    "what does not compile": ("int main() { int x = ; }", Verdict.SYNTAX),
    "what does not link": ("int f(); int main() { return f(); }", Verdict.SYNTAX),
    "an endless loop": ("int main() { for (volatile int i = 0;; i++); }", Verdict.TIMEOUT),
    "a sleep": ("int main() { this_thread::sleep_for(60s); }", Verdict.TIMEOUT),
    "memory": (
        "int main() { vector<char> v; for (;;) v.resize(v.size() + (1 << 24)); }",
        Verdict.MEMORY,
    ),
    "a null pointer": ("int main() { volatile int* p = 0; *p = 1; }", Verdict.ERROR),
    "an exception": ('int main() { throw runtime_error("no"); }', Verdict.ERROR),
    "a failing status after the right answer": (
        'int main() { puts("right"); return 3; }',
        Verdict.ERROR,
    ),
    "a flood of output": ('int main() { for (;;) puts("xxxxxxxx"); }', Verdict.OUTPUT_LIMIT),
    "endless processes": (
        "#include <unistd.h>\nint main() { for (;;) fork(); }",
        Verdict.TIMEOUT,
    ),
    "no output": ("int main() { }", Verdict.INCORRECT),
}


@pytest.mark.parametrize(("program", "verdict"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_has_a_name(cpp: Run, program: str, verdict: Verdict) -> None:
    outcome = cpp(program, ("", "right"), wall_s=2, cpu_s=1)
    assert outcome.verdict is verdict, outcome
    assert outcome.detail
    assert cpp(ADD, ("1 2", "3")).verdict is Verdict.CORRECT


def test_an_error_of_the_compiler_is_in_the_detail(cpp: Run) -> None:
    detail = cpp("int main() { undeclared = 1; }", ("", "")).detail
    assert detail.startswith("compiling: ") and "undeclared" in detail


def test_what_the_compiler_says_is_not_the_programs_output(cpp: Run) -> None:
    noisy = "\n".join(f"#warning {'x' * 200} {n}" for n in range(50))
    outcome = cpp(f"{noisy}\n{ADD}", ("1 2", "3"), output_bytes=100)
    assert outcome.verdict is Verdict.CORRECT, outcome


COMPILER_BOMBS = {
    "templates without end": (
        "template<int N> struct A { A<N + 1> next; }; A<0> a; int main() { }",
        (Verdict.SYNTAX,),
    ),
    "a constant expression without end": (
        "constexpr int f() { int n = 0; for (;;) n = (n + 1) % 7; return n; }\n"
        "constexpr int x = f(); int main() { }",
        (Verdict.SYNTAX, Verdict.TIMEOUT),
    ),
    "an endless file": ("#include </dev/zero>\nint main() { }", (Verdict.SYNTAX, Verdict.MEMORY)),
    "a program of a gigabyte": (
        "int a[1 << 28] = {1}; int main() { }",
        (Verdict.SYNTAX, Verdict.MEMORY, Verdict.TIMEOUT),
    ),
    "a file of the machine": ('#include "/etc/passwd"\nint main() { }', (Verdict.SYNTAX,)),
}


@pytest.mark.parametrize(("program", "verdicts"), COMPILER_BOMBS.values(), ids=COMPILER_BOMBS)
def test_a_bomb_for_the_compiler_ends(
    cpp: Run, program: str, verdicts: tuple[Verdict, ...]
) -> None:
    outcome = cpp(program, ("", ""))
    assert outcome.verdict in verdicts, outcome
    assert cpp(ADD, ("1 2", "3")).verdict is Verdict.CORRECT


def test_nothing_of_the_compiler_or_the_case_before_is_there(cpp: Run) -> None:
    look = """
int main() {
    int entries = 0;
    for (auto& entry : filesystem::directory_iterator("/work")) entries++, (void)entry;
    ofstream("left") << 1;
    int processes = 0;
    for (auto& entry : filesystem::directory_iterator("/proc"))
        processes += isdigit(entry.path().filename().string()[0]) ? 1 : 0;
    int descriptors = 0;
    for (auto& entry : filesystem::directory_iterator("/proc/self/fd"))
        descriptors++, (void)entry;
    cout << entries << ' ' << processes << ' ' << descriptors << endl;
}
"""
    outcome = cpp(look, *[("", "0 2 4")] * 2)
    assert outcome.verdict is Verdict.CORRECT, outcome


def test_deep_recursion_threads_and_files_work(cpp: Run) -> None:
    program = """
#include <thread>
int depth(int n) { volatile char here[256]; here[0] = n; return n ? 1 + depth(n - 1) : 0; }
int main() {
    int found = 0;
    vector<thread> many;
    for (int i = 0; i < 8; i++) many.emplace_back([] { this_thread::sleep_for(10ms); });
    for (auto& one : many) one.join();
    thread other([&] { found = depth(10000); });
    other.join();
    ofstream("note") << depth(150000);
    string text; ifstream("note") >> text;
    cout << found << ' ' << text << endl;
}
"""
    outcome = cpp(program, ("", "10000 150000"))
    assert outcome.verdict is Verdict.CORRECT, outcome


def test_functions_are_refused_for_cpp(pool: SandboxPool) -> None:
    calls = parse_tests(
        {"kind": "call", "entry_point": "f", "cases": [{"args": [], "expected": 1}]}
    )
    with (
        SandboxPool(language=CPP, slots=1) as programs,
        pytest.raises(ValueError, match="expected kind stdio for a program in cpp, found call"),
    ):
        programs.run("int f() { return 1; }", calls, Limits())


def test_the_image_is_the_one_that_its_dockerfile_makes(pool: SandboxPool) -> None:
    client: docker.DockerClient = connect()
    try:
        assert image_digest(client, CPP.image) == content_digest("cpp")
    finally:
        client.close()


def test_languages_have_names() -> None:
    assert language_of("C++") is CPP
    with pytest.raises(ValueError, match=r"expected one of python, cpp, .*found 'cobol'"):
        language_of("cobol")


PERL = Language("perl", PYTHON_IMAGE, frozenset({"stdio"}), interpreter=("/usr/bin/perl", SOURCE))
C = Language(
    "c",
    CPP.image,
    frozenset({"stdio"}),
    compiler=("/usr/bin/gcc", "-O2", "-x", "c", "-o", ARTIFACT, "-", "-lm"),
)
OTHERS = {
    "perl": (PERL, 'my $n = <STDIN>; print $n * 2, "\\n";', "die 'no';"),
    "c": (
        C,
        '#include <stdio.h>\nint main() { int n; scanf("%d", &n); printf("%d", n * 2); }',
        "int main() { return 1; }",
    ),
}


@pytest.mark.parametrize(("language", "right", "wrong"), OTHERS.values(), ids=OTHERS)
def test_another_language_needs_an_image_and_a_command(
    pool: SandboxPool, language: Language, right: str, wrong: str
) -> None:
    cases = [{"stdin": f"{n}\n", "stdout": f"{2 * n}"} for n in range(3)]
    tests = parse_tests({"kind": "stdio", "cases": cases})
    with SandboxPool(language=language, slots=1) as programs:
        outcome = programs.run(right, tests, Limits())
        assert (outcome.verdict, outcome.passed) == (Verdict.CORRECT, 3), outcome
        assert programs.run(wrong, tests, Limits()).verdict is Verdict.ERROR
