"""What is said about a server that ended."""

from __future__ import annotations

from factory.generate.vllm_process import telling_lines


def test_the_cause_and_its_explanation_are_told_and_warnings_are_not() -> None:
    log = [
        "WARNING 01-01 [x.py] this can cause errors like `OSError: too many files`",
        "INFO loading",
        "Traceback (most recent call last):",
        "pydantic_core.ValidationError: 1 validation error for ModelConfig",
        "  Value error, max_model_len is too large",
        "INFO bye",
    ]
    assert telling_lines(log) == log[3:5]


def test_of_many_errors_the_first_and_the_last_are_told() -> None:
    log = [line for number in range(50) for line in (f"RuntimeError: {number}", f"at {number}")]
    told = telling_lines(log)
    assert told[0] == "RuntimeError: 0"
    assert told[-1] == "at 49"
    assert len(told) == 12


def test_a_log_without_errors_tells_its_end() -> None:
    assert telling_lines([f"line {number}" for number in range(40)])[-1] == "line 39"
    assert telling_lines([]) == []
