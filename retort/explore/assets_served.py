"""The page's own files, by exact path: what is not in the list that is made once is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.responses import FileResponse, JSONResponse, Response

ASSETS: Final = Path(__file__).parent / "assets"
PAGE: Final = "index.html"
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".woff2": "font/woff2",
}
"""Files of other types are not served."""


class Assets:
    """The files below a folder that may be served."""

    def __init__(self, folder: Path = ASSETS) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink() and path.suffix in _TYPES
        }

    def answer(self, name: str) -> Response:
        """The file of that path below the folder, else 404."""
        path = self._files.get(name)
        if path is None:
            return JSONResponse({"error": "expected a file of the page, found none"}, 404)
        return FileResponse(path, headers={"Content-Type": _TYPES[path.suffix]})
