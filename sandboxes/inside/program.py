"""The process in which the untrusted program runs, as a script or as functions to call.

Nothing here is trusted after `_load`: the program may change any of it. It has nothing to gain:
no expected value and no test is in this process, and what it reports is only data to compare.
"""

from __future__ import annotations

import atexit
import builtins
import os
import sys

from sandboxes.inside.channel import Ended, receive, send
from sandboxes.inside.confine import EXTRA_FD, REPORT_FD
from sandboxes.inside.values import Codec, Malformed

TYPE_CHECKING = False  # `typing` would be in the memory of every run
if TYPE_CHECKING:
    import types
    from typing import Any

FILE_NAME = "<program>"


class Objects:
    """Objects of the program that have no plain value, by number."""

    def __init__(self) -> None:
        self._objects: list[Any] = []
        self._number_of: dict[int, int] = {}

    def codec(self, first: int) -> Codec:
        """A codec that numbers objects here."""
        return Codec(first, self.number_of, self.object_of)

    def number_of(self, value: Any) -> tuple[int, str]:
        """The number of an object, the same each time, and the name of its type."""
        number = self._number_of.setdefault(id(value), len(self._objects))
        if number == len(self._objects):
            self._objects.append(value)
        return number, type(value).__name__

    def object_of(self, number: int, kind: str) -> Any:
        """The object with this number. Raises `Malformed` where there is none."""
        try:
            return self._objects[number]
        except IndexError:
            raise Malformed(f"there is no object {number} {kind}") from None


def run_script(program: str) -> int:
    """Run as a script on its standard input; the exit status that Python would give."""
    module = _module("__main__")
    sys.argv = ["program.py"]
    status = 0
    try:
        _load(program, module)
    except SystemExit as stop:
        status = _exit_status(stop)
    except BaseException as error:  # noqa: BLE001 - it may raise anything
        report_error(error)
        status = 1
    threading: Any = sys.modules.get("threading")
    threads = () if threading is None else (threading._shutdown,)
    # What a program leaves open is written too: its objects go, and then the streams are flushed.
    for finish in (*threads, atexit._run_exitfuncs, _flush, module.__dict__.clear, _flush):  # type: ignore[attr-defined]
        try:
            finish()
        except SystemExit as stop:
            status = _exit_status(stop)
        except BaseException as error:  # noqa: BLE001 - it may raise anything
            report_error(error)
            status = 1
    return status


def _flush() -> None:
    for stream in (sys.stdout, sys.__stdout__):
        if stream is not None:
            stream.flush()


def run_calls(program: str, entry_point: str, cases: list[dict[str, Any]]) -> int:
    """Call one function per case with plain arguments; report one value or error per case."""
    module = _module("program")
    try:
        _load(program, module)
        function = _resolve(module, entry_point)
    except BaseException as error:  # noqa: BLE001 - it may raise anything
        report_error(error)
        return 1
    send(REPORT_FD, {"loaded": True})
    for case in cases:
        codec = Objects().codec(0)
        try:
            message = {"value": codec.encode(function(*case["args"], **case.get("kwargs", {})))}
        except BaseException as error:  # noqa: BLE001 - it may raise anything
            message = {"case": describe(error)}
        send(REPORT_FD, message)
    return 0


def serve_tests(program: str) -> int:
    """Load the program, then do what the process with the tests asks, until it is done."""
    module = _module("program")
    try:
        _load(program, module)
    except BaseException as error:  # noqa: BLE001 - it may raise anything
        report_error(error)
        return 1
    objects = Objects()
    codec = objects.codec(1)
    while True:
        try:
            request = receive(EXTRA_FD)
        except Ended:
            return 0
        send(EXTRA_FD, _answer(codec, objects, module, request))


def _answer(
    codec: Codec, objects: Objects, module: types.ModuleType, request: dict[str, Any]
) -> dict[str, Any]:
    sent: dict[int, Any] = {}
    try:
        args = [codec.decode(item) for item in request.get("args", [])]
        kwargs = {name: codec.decode(item) for name, item in request.get("kwargs", {}).items()}
        sent = {node: codec.encode_contents(node) for node in codec.nodes}
        result = codec.encode(_do(objects, module, request, args, kwargs))
        return {"value": result, "changed": _changed(codec, sent)}
    except Malformed as error:
        return {"raised": {"type": "TypeError", "text": str(error)}}
    except BaseException as error:  # noqa: BLE001 - it may raise anything
        return {"raised": describe(error), "changed": _changed(codec, sent)}
    finally:
        codec.forget_nodes()


def _changed(codec: Codec, sent: dict[int, Any]) -> list[Any]:
    """The contents of those containers that are no longer as they were sent."""
    contents = {node: codec.encode_contents(node) for node in list(sent)}
    return [contents[node] for node in sent if contents[node] != sent[node]]


def _do(
    objects: Objects,
    module: types.ModuleType,
    request: dict[str, Any],
    args: list[Any],
    kwargs: dict[str, Any],
) -> Any:
    what = request["do"]
    if what == "name":
        return _resolve(module, request["name"])
    if what == "nothing":
        return None
    key = request["object"]
    target = objects.object_of(key, "") if type(key) is int else _resolve(module, key)
    if what == "call":
        return target(*args, **kwargs)
    if what == "get":
        return getattr(target, request["name"])
    if what == "set":
        return setattr(target, request["name"], args[0])
    if what == "list":
        items = iter(target)
        # What is its own iterator may have no end: its items are asked for one by one.
        return None if items is target else list(items)
    if what == "next":
        try:
            return (next(target),)
        except StopIteration:
            return ()
    if what == "len":
        return len(target)
    if what == "item":
        return target[args[0]]
    raise Malformed(f"unknown request {what!r}")


def _module(name: str) -> types.ModuleType:
    module = type(sys)(name)
    module.__dict__["__builtins__"] = builtins
    module.__dict__["__file__"] = "program.py"
    sys.modules[name] = module
    return module


def _load(program: str, module: types.ModuleType) -> None:
    try:
        text = program.removeprefix("\ufeff")
        code = compile(text, FILE_NAME, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        send(REPORT_FD, {"syntax": f"{type(error).__name__}: {error}"})
        os._exit(1)
    exec(code, module.__dict__)  # noqa: S102 - this process exists to run it


def _resolve(module: types.ModuleType, name: str) -> Any:
    try:
        return module.__dict__[name]
    except KeyError:
        raise NameError(f"the program defines no {name!r}") from None


def _exit_status(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code & 0xFF
    return 1


def report_error(error: BaseException) -> None:
    """Tell the host why the program ended early."""
    send(REPORT_FD, {"raised": describe(error)})


def describe(error: BaseException) -> dict[str, Any]:
    """The nearest built-in type, the text and the line of the program, all bounded."""
    kind = next(k for k in type(error).__mro__ if getattr(builtins, k.__name__, None) is k)
    lines = lines_of(error, FILE_NAME)
    args = getattr(error, "args", ())
    plain = type(args) is tuple and all(
        item is None or type(item) in (bool, float) or _is_short(item) for item in args
    )
    return {
        "type": kind.__name__,
        "args": list(args) if plain else None,
        "name": type(error).__name__[:100],
        "text": text_of(error),
        "line": lines[-1] if lines else None,
    }


def _is_short(item: Any) -> bool:
    return (type(item) is str and len(item) <= 300) or (
        type(item) is int and item.bit_length() <= 64
    )


def text_of(error: BaseException) -> str:
    """The start of the text of an error; nothing where it has none that can be had."""
    try:
        return f"{error}"[:300]
    except BaseException:  # noqa: BLE001 - it may raise anything
        return ""


def lines_of(error: BaseException, file_name: str) -> list[int]:
    """Lines of a file on the way to the error, the outermost first."""
    lines: list[int] = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file_name:
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return lines
