"""A relay to the engine's socket: an engine that can be elsewhere, or go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_RELAY = """
import asyncio, sys
async def copy(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()
async def meet(reader, writer):
    theirs, ours = await asyncio.open_unix_connection("/var/run/docker.sock")
    await asyncio.gather(copy(reader, ours), copy(theirs, writer))
    ours.close()
    writer.close()
async def main():
    where = sys.argv[1]
    if where == "tcp":
        server = await asyncio.start_server(meet, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
    else:
        server = await asyncio.start_unix_server(meet, where)
        print(where, flush=True)
    async with server:
        await server.serve_forever()
asyncio.run(main())
"""


class EngineRelay:
    """Answers where the engine would; killed, it is an engine that is gone."""

    def __init__(self, socket: Path | None = None) -> None:
        """On a socket in the file system, or else by TCP on loopback."""
        where = f"{socket}" if socket else "tcp"
        if socket:
            socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _RELAY, where], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        assert said, "the relay did not start"
        self.host = f"unix://{said}" if socket else f"tcp://127.0.0.1:{said}"

    def kill(self) -> None:
        """End it; may be done twice."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
