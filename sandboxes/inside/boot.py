"""First statements of process 1: take our modules from the input and start the runner.

The host sends this file's text as the command of the container, so any image with Python will do
and its runner is always the host's own version.
"""

BOOT = """\
import json, struct, sys, types
source = sys.stdin.buffer.raw
def take(size):
    data = b""
    while len(data) < size:
        part = source.read(size - len(data))
        if not part:
            sys.exit(0)
        data += part
    return data
start = json.loads(take(struct.unpack(">I", take(4))[0]))
for name in start["warm"]:
    __import__(name)
for name, text in start["modules"]:
    module = types.ModuleType(name)
    sys.modules[name] = module
    parent, _, leaf = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], leaf, module)
    exec(compile(text, name, "exec"), module.__dict__)
sys.modules["sandboxes.inside.runner"].main(start["first_uid"])
"""

_WARM = """
    array ast atexit base64 bisect builtins calendar cmath collections collections.abc contextlib
    copy dataclasses datetime decimal enum fractions functools hashlib heapq importlib inspect io
    itertools json math numbers operator os pathlib queue random re resource select signal socket
    statistics string struct sys textwrap threading time traceback types typing unicodedata
"""
WARM = tuple(_WARM.split())
"""Modules that are imported once, before any fork; programs use them much."""
