"""First statements of process 1: take our modules from the input and start the runner.

The host sends this file's text as the command of the container, so any image with Python will do
and its runner is always the host's own version.
"""

BOOT = """\
import marshal, os, struct, sys, types
source = sys.stdin.buffer.raw
def take(size):
    data = b""
    while len(data) < size:
        part = source.read(size - len(data))
        if not part:
            sys.exit(0)
        data += part
    return data
start = marshal.loads(take(struct.unpack(">I", take(4))[0]))
# What modules want done in every fork would touch many pages in every run: it is kept here, and
# handed to the interpreter again in the program's own process, for the forks of the program.
hooks = []
register, os.register_at_fork = os.register_at_fork, lambda **hook: hooks.append(hook)
for name in start["warm"]:
    __import__(name)
os.register_at_fork = register
# Compiled in another process: what a compiler leaves in memory would be copied in every run.
reader, writer = os.pipe()
if os.fork() == 0:
    with open(writer, "wb") as out:
        marshal.dump([(n, compile(text, n, "exec")) for n, text in start["modules"]], out)
    os._exit(0)
os.close(writer)
with open(reader, "rb") as compiled:
    modules = marshal.load(compiled)
os.wait()
del start["modules"]
for name, code in modules:
    module = types.ModuleType(name)
    sys.modules[name] = module
    parent, _, leaf = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], leaf, module)
    exec(code, module.__dict__)
del modules, code
runner = sys.modules["sandboxes.inside.runner"]
for name in [name for name in sys.modules if name.partition(".")[0] == "sandboxes"]:
    del sys.modules[name]
runner.main(start, hooks)
"""

_WARM = """
    array bisect cmath collections.abc contextlib copy datetime decimal enum fractions functools
    heapq io itertools json math operator random re statistics string threading time types typing
"""
WARM = tuple(_WARM.split())
"""Modules that are imported once, before any fork: those that programs use much. Each makes
every fork a little dearer, so the container of the tests imports none but our own."""
