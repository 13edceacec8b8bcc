"""First statements of process 1: take our modules from the input and start the runner.

The host sends this file's text as the command of the container, so any image with Python will do
and its runner is always the host's own version.
"""

BOOT = """\
import json, os, struct, sys, types
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
# What modules want done in every fork would touch many pages in every run: it is kept here, and
# handed to the interpreter again in the program's own process, for the forks of the program.
hooks = []
register, os.register_at_fork = os.register_at_fork, lambda **hook: hooks.append(hook)
for name in start["warm"]:
    __import__(name)
os.register_at_fork = register
for name, text in start["modules"]:
    module = types.ModuleType(name)
    sys.modules[name] = module
    parent, _, leaf = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], leaf, module)
    exec(compile(text, name, "exec"), module.__dict__)
runner = sys.modules["sandboxes.inside.runner"]
for name in [name for name in sys.modules if name.partition(".")[0] == "sandboxes"]:
    del sys.modules[name]
runner.main(start, hooks)
"""

_WARM = """
    array atexit bisect builtins cmath collections collections.abc contextlib copy datetime decimal
    enum fractions functools heapq io itertools json math operator os random re resource select
    signal socket statistics string struct sys threading time types typing
"""
WARM = tuple(_WARM.split())
"""Modules that are imported once, before any fork: those that we need or programs use much. Each
makes every fork a little dearer."""
