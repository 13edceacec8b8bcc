"""The process in which the tests run. It meets the program only as plain data over a socket.

A pass is what this process reports, and it reports one only where every statement of the tests
ran. Values that the tests compare are exact built-in types, made here; an object of the program's
own classes stays with the program and cannot be compared at all. Names of the program are looked
up only where the tests use them, and never shadow a builtin or a module that the tests rely on.
"""

from __future__ import annotations

import builtins
import importlib

from sandboxes.inside.channel import Ended, receive, send
from sandboxes.inside.confine import EXTRA_FD, REPORT_FD
from sandboxes.inside.program import lines_of, text_of
from sandboxes.inside.values import Codec, Malformed

TYPE_CHECKING = False  # `typing` would be in the memory of every run
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    _Globals = dict[str, Any]
else:
    _Globals = dict

FILE_NAME = "<tests>"


class ProgramEnded(BaseException):
    """The program's process is gone, or it sent what is no value.

    Not an `Exception`, so that tests that catch those do not catch it.
    """


class Unused(Exception):  # noqa: N818 - says what the program is
    """The tests asked nothing of the program, so their end says nothing about it."""


class ProgramError(Exception):
    """The program raised an error that has no built-in type."""


class Remote:
    """An object that stays in the program's process: it can be called, read and iterated over.

    It has no value here, so comparing it or asking whether it is true is an error.
    """

    def __init__(self, link: Link, key: int | str, kind: str) -> None:
        """`key`: the number of the object, or its name in the program."""
        object.__setattr__(self, "_remote", (link, key, kind))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("call", args=args, kwargs=kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__array"):
            # numpy would read memory at whatever address the program names.
            raise AttributeError(name)
        return self._ask("get", name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask("set", name=name, args=(value,))

    def __iter__(self) -> Iterator[Any]:
        items = self._ask("list")
        return self if items is None else iter(items)

    def __next__(self) -> Any:
        found = self._ask("next")
        if not found:
            raise StopIteration
        return found[0]

    def __len__(self) -> int:
        return self._ask("len")

    def __getitem__(self, key: Any) -> Any:
        return self._ask("item", args=(key,))

    def __bool__(self) -> bool:
        raise self._no_value()

    def __eq__(self, other: object) -> bool:
        raise self._no_value()

    def __ne__(self, other: object) -> bool:
        raise self._no_value()

    def __hash__(self) -> int:
        raise self._no_value()

    def _ask(self, what: str, **request: Any) -> Any:
        link, key, _ = object.__getattribute__(self, "_remote")
        return link.ask({"do": what, "object": key}, **request)

    def _no_value(self) -> TypeError:
        kind: str = object.__getattribute__(self, "_remote")[2]
        return TypeError(f"an object of type {kind} of the program has no value to compare")


class Link:
    """The conversation with the program's process."""

    def __init__(self) -> None:
        self._codec = Codec(0, _number_of, self._remote)
        self._remotes: dict[int, Remote] = {}
        self._answered = False
        self._ended: ProgramEnded | None = None

    def check(self) -> None:
        """Raise where the tests have not seen what they should judge.

        Raises:
            ProgramEnded: It was raised before, and the tests caught it; or the program was never
                loaded.
            Unused: The tests asked nothing of the program.
        """
        if self._ended is not None:
            raise self._ended
        if not self._answered:
            self.ask({"do": "nothing"})
            raise Unused("the tests never use the program")

    def name(self, name: str) -> Any:
        """What the program calls `name`."""
        return self.ask({"do": "name", "name": name})

    def function(self, name: str) -> Remote:
        """What the program calls `name`, and tests call: looked up there when it is used."""
        return Remote(self, name, "function")

    def ask(
        self,
        request: dict[str, Any],
        *,
        name: str | None = None,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Do one thing in the program's process: its value, or its built-in error raised here."""
        codec = self._codec
        try:
            request["args"] = [codec.encode(item) for item in args]
            request["kwargs"] = {key: codec.encode(item) for key, item in (kwargs or {}).items()}
            if name is not None:
                request["name"] = name
            return self._read(self._exchange(request))
        finally:
            codec.forget_nodes()

    def _read(self, answer: dict[str, Any]) -> Any:
        raised = answer.get("raised")
        changed = answer.get("changed")
        try:
            for contents in changed if type(changed) is list else []:
                self._codec.decode(contents)
            if type(raised) is not dict:
                return self._codec.decode(answer.get("value"))
        except (Malformed, RecursionError) as error:
            raise self._end(f"the program sent what is no value: {error}") from error
        raise _error(raised)

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            send(EXTRA_FD, request)
            answer = receive(EXTRA_FD)
        except (Ended, OSError) as error:
            raise self._end("the program ended before its tests") from error
        if type(answer) is not dict:
            raise self._end("the program sent what is no answer")
        self._answered = True
        return answer

    def _end(self, why: str) -> ProgramEnded:
        self._ended = self._ended or ProgramEnded(why)
        return self._ended

    def _remote(self, number: int, kind: str) -> Remote:
        return self._remotes.setdefault(number, Remote(self, number, kind))


def _number_of(value: Any) -> tuple[int, str]:
    if type(value) is not Remote:
        raise TypeError(f"an argument of type {type(value).__name__} cannot cross to the program")
    link, key, kind = object.__getattribute__(value, "_remote")
    if isinstance(key, str):
        # Only a number can be an argument.
        named = link.name(key)
        if type(named) is not Remote:
            raise TypeError(f"{key} of the program has no place in its own process")
        return _number_of(named)
    return key, kind


def _error(raised: dict[str, Any]) -> BaseException:
    text = f"{raised.get('text', '')}"
    kind: Any = getattr(builtins, f"{raised.get('type', '')}", None)
    if kind in (StopIteration, StopAsyncIteration):
        # It would end a loop of the tests that compares, as if all had been compared.
        kind = RuntimeError
    if isinstance(kind, type) and issubclass(kind, BaseException):
        args = raised.get("args")
        try:
            error = kind(*args) if type(args) is list else kind(text)
        except Exception:  # noqa: BLE001 - its arguments are the program's
            error = ProgramError(f"{raised.get('type')}: {text}")
    else:
        error = ProgramError(text)
    error.__dict__["of_program"] = f"{raised.get('name')}: {text} (line {raised.get('line')})"
    return error


class Names(_Globals):
    """Globals of the tests: a name that they do not define is looked up by `find`."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, name: str) -> Any:
        value = self._find(name)
        if type(value) is not Remote:
            # A plain value of the program may be another one the next time.
            return value
        self[name] = value
        return value


def run_tests(payload: dict[str, Any]) -> int:
    """Run the tests; report how many of their assertions held and what did not.

    `payload`: `code`; `entry_point`, the name of the candidate or None; `program`, names that the
    program provides; `called`, those of them that the tests call; `modules`, names of modules of
    the library; `asserts`, lines of the assertions at the top level.
    """
    entry_point: str | None = payload["entry_point"]
    lines: list[int] = payload["asserts"]
    program, called, modules = payload["program"], payload["called"], payload["modules"]
    report: dict[str, Any] = {"passed": 0, "total": len(lines) or 1}
    link = Link()

    def find(name: str) -> Any:
        if name in modules:
            return importlib.import_module(modules[name])
        if entry_point is not None and name == "candidate":
            return link.function(entry_point)
        if name in called:
            return link.function(name)
        if name in program:
            return link.name(name)
        raise KeyError(name)

    try:
        code = compile(payload["code"], FILE_NAME, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        send(REPORT_FD, report | {"broken": f"the tests do not parse: {error}"})
        return 1
    names = Names(find)
    names.update({"__builtins__": builtins, "__name__": "tests"})
    try:
        exec(code, names)  # noqa: S102 - the tests' own process
        link.check()
        report["passed"] = report["total"]
        report["done"] = True
    except ProgramEnded as error:
        report["ended"] = str(error)
        report["passed"] = _passed(lines, error)
    except Unused as error:
        report["broken"] = f"{error}"
        report["passed"] = 0
    except BaseException as error:  # noqa: BLE001 - it may raise anything
        report["failed"] = _describe(error)
        report["passed"] = _passed(lines, error)
    send(REPORT_FD, report)
    return 0


def _passed(lines: list[int], error: BaseException) -> int:
    """Assertions of the top level that held before the error."""
    stopped = (lines_of(error, FILE_NAME) or [0])[0]
    return sum(line < stopped for line in lines)


def _describe(error: BaseException) -> dict[str, Any]:
    return {
        "type": type(error).__name__,
        "text": text_of(error),
        "line": (lines_of(error, FILE_NAME) or [None])[-1],
        "program": getattr(error, "of_program", None),
    }
