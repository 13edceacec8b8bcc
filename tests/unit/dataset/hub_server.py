"""A small hub on 127.0.0.1: repositories of datasets, commits, large files, tags; and bad days.

What `huggingface_hub` asks of a hub for a push and `datasets` for loading, without the Xet
protocol. `bad_days` is a list of (what, status, when): the next request of that kind ("commit",
"tag", "create") is answered with that status, "before" or "after" it was done; status 0 breaks the
connection instead.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Files = dict[str, tuple[bytes, bool]]
"""Path -> content, and whether it is stored as a large file."""


@dataclass
class Repository:
    """A dataset's repository; every commit is kept whole."""

    private: bool = False
    commits: dict[str, Files] = field(default_factory=dict)
    main: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)

    def commit(self, files: Files, title: str) -> str:
        number = f"{len(self.commits)} {title} {sorted(files)}"
        self.main = hashlib.sha1(number.encode()).hexdigest()
        self.commits[self.main] = files
        self.titles.append(title)
        return self.main

    def at(self, revision: str) -> str:
        return {"main": self.main, **self.tags}.get(revision, revision)


class HubServer:
    """`with HubServer() as hub:`; `hub.url` is for `HF_ENDPOINT`."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.tokens: set[str] = set()
        self.bad_days: list[tuple[str, int, str]] = []
        self.wrong_yaml = False
        hub = self

        class Handler(_Handler):
            server_state = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> HubServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def files(self, repo: str, revision: str = "main") -> dict[str, bytes]:
        found = self.repositories[repo]
        return {path: one for path, (one, _) in found.commits[found.at(revision)].items()}


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _BrokenError(Exception):
    """The connection is closed without an answer."""


class _Handler(BaseHTTPRequestHandler):
    server_state: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: tests look at `requests`."""

    def _do(self) -> None:
        hub = self.server_state
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        hub.requests.append(f"{self.command} {url.path}")
        hub.tokens.add(self.headers.get("Authorization", ""))
        path = unquote(url.path)
        for method, pattern, act in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method:
                try:
                    act(self, hub, body, **match.groupdict())
                except _BrokenError:
                    self.close_connection = True
                return
        self.answer(404, {"error": f"no {path}"})

    do_GET = do_POST = do_PUT = do_HEAD = _do  # noqa: N815

    def answer(self, status: int, value: Any = None, **headers: str) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def bad_day(self, what: str, when: str) -> bool:
        hub = self.server_state
        if not hub.bad_days or (hub.bad_days[0][0], hub.bad_days[0][2]) != (what, when):
            return False
        _, status, _ = hub.bad_days.pop(0)
        if not status:
            raise _BrokenError
        self.answer(status, {"error": "a bad day"}, X_Error_Message="a bad day")
        return True

    def repository(self, name: str) -> Repository | None:
        found = self.server_state.repositories.get(name)
        if found is None:
            self.answer(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")
        return found


# ------------------------------------------------------------------------------------ the answers


def _create(self: _Handler, hub: HubServer, body: bytes) -> None:
    if self.bad_day("create", "before"):
        return
    asked = json.loads(body)
    name = f"{asked['organization']}/{asked['name']}"
    if name in hub.repositories:
        self.answer(409, {"error": "exists", "url": f"{hub.url}/datasets/{name}"})
        return
    made = hub.repositories[name] = Repository(private=asked.get("visibility") == "private")
    made.commit({".gitattributes": (b"*.parquet filter=lfs\n", False)}, "initial commit")
    if not self.bad_day("create", "after"):
        self.answer(200, {"url": f"{hub.url}/datasets/{name}"})


def _yaml(self: _Handler, hub: HubServer, body: bytes) -> None:
    errors = [{"message": "license is wrong"}] if hub.wrong_yaml else []
    self.answer(400 if errors else 200, {"errors": errors, "warnings": []})


def _preupload(self: _Handler, hub: HubServer, body: bytes, repo: str, revision: str) -> None:
    modes = [
        {
            "path": one["path"],
            "uploadMode": "lfs" if one["path"].endswith(".parquet") else "regular",
            "shouldIgnore": False,
            "oid": None,
        }
        for one in json.loads(body)["files"]
    ]
    self.answer(200, {"files": modes})


def _batch(self: _Handler, hub: HubServer, body: bytes, repo: str) -> None:
    objects: list[dict[str, Any]] = []
    for one in json.loads(body)["objects"]:
        href = f"{hub.url}/store/{one['oid']}?signature=secret-of-the-store"
        there = one["oid"] in hub.objects
        objects.append({**one, **({} if there else {"actions": {"upload": {"href": href}}})})
    self.answer(200, {"transfer": "basic", "objects": objects})


def _store(self: _Handler, hub: HubServer, body: bytes, oid: str) -> None:
    if self.bad_day("store", "before"):
        return
    assert hashlib.sha256(body).hexdigest() == oid
    hub.objects[oid] = body
    self.answer(200, b"")


def _commit(self: _Handler, hub: HubServer, body: bytes, repo: str, revision: str) -> None:
    found = self.repository(repo)
    if found is None or self.bad_day("commit", "before"):
        return
    lines = [json.loads(line) for line in body.splitlines()]
    header = lines[0]["value"]
    if header.get("parentCommit") not in (None, found.main):
        self.answer(412, {"error": "the branch has moved"})
        return
    files = dict(found.commits[found.main])
    for line in lines[1:]:
        value = line["value"]
        if line["key"] == "file":
            files[value["path"]] = (base64.b64decode(value["content"]), False)
        elif line["key"] == "lfsFile":
            files[value["path"]] = (hub.objects[value["oid"]], True)
        else:
            del files[value["path"]]
    oid = found.commit(files, header["summary"])
    if not self.bad_day("commit", "after"):
        self.answer(200, {"commitUrl": f"{hub.url}/datasets/{repo}/commit/{oid}", "commitOid": oid})


def _tag(self: _Handler, hub: HubServer, body: bytes, repo: str, revision: str) -> None:
    found = self.repository(repo)
    if found is None or self.bad_day("tag", "before"):
        return
    name = json.loads(body)["tag"]
    if name in found.tags:
        self.answer(409, {"error": "the tag exists"})
        return
    found.tags[name] = found.at(revision)
    if not self.bad_day("tag", "after"):
        self.answer(200, {})


def _refs(self: _Handler, hub: HubServer, body: bytes, repo: str) -> None:
    if found := self.repository(repo):
        branches = [{"name": "main", "ref": "refs/heads/main", "targetCommit": found.main}]
        tags = [
            {"name": name, "ref": f"refs/tags/{name}", "targetCommit": commit}
            for name, commit in found.tags.items()
        ]
        self.answer(200, {"branches": branches, "converts": [], "tags": tags})


def _info(
    self: _Handler, hub: HubServer, body: bytes, repo: str, revision: str | None = None
) -> None:
    if found := self.repository(repo):
        commit = found.at(revision or "main")
        if commit not in found.commits:
            self.answer(404, {"error": "no revision"}, X_Error_Code="RevisionNotFound")
            return
        siblings = [{"rfilename": path} for path in sorted(found.commits[commit])]
        told = {"id": repo, "sha": commit, "private": found.private, "siblings": siblings}
        self.answer(200, {**told, "tags": [], "downloads": 0, "likes": 0, "gated": False})


def _entry(path: str, content: bytes, large: bool) -> dict[str, Any]:
    entry = {"type": "file", "path": path, "size": len(content), "oid": blob_id(content)}
    if large:
        sha256 = hashlib.sha256(content).hexdigest()
        entry["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 130}
    return entry


def _tree(
    self: _Handler, hub: HubServer, body: bytes, repo: str, revision: str, below: str | None
) -> None:
    if found := self.repository(repo):
        files = found.commits[found.at(revision)]
        below = (below or "").strip("/")
        begins = f"{below}/" if below else ""
        wanted = {path: one for path, one in files.items() if path.startswith(begins)}
        entries = [_entry(path, *one) for path, one in sorted(wanted.items())]
        asked = parse_qs(urlsplit(self.path).query)
        if asked.get("recursive", ["false"])[0].lower() not in ("true", "1"):
            entries = [one for one in entries if "/" not in one["path"].removeprefix(begins)]
            inner = {path.removeprefix(begins) for path in wanted}
            folders = sorted({path.split("/")[0] for path in inner if "/" in path})
            entries += [
                {"type": "directory", "path": begins + one, "oid": "0" * 40, "size": 0}
                for one in folders
            ]
        if below and not entries:
            self.answer(404, {"error": "no entry"}, X_Error_Code="EntryNotFound")
            return
        self.answer(200, entries)


def _paths(self: _Handler, hub: HubServer, body: bytes, repo: str, revision: str) -> None:
    if found := self.repository(repo):
        asked = parse_qs(body.decode()).get("paths") or json.loads(body)["paths"]
        files = found.commits[found.at(revision)]
        entries = [_entry(path, *files[path]) for path in asked if path in files]
        folders = [
            {"type": "directory", "path": path, "oid": "0" * 40, "size": 0}
            for path in asked
            if any(one.startswith(f"{path}/") for one in files)
        ]
        self.answer(200, [*entries, *folders])


def _resolve(
    self: _Handler, hub: HubServer, body: bytes, repo: str, revision: str, path: str
) -> None:
    found = self.repository(repo)
    if found is None:
        return
    commit = found.at(revision)
    if path not in found.commits[commit]:
        self.answer(404, {"error": "no entry"}, X_Error_Code="EntryNotFound", X_Repo_Commit=commit)
        return
    content, large = found.commits[commit][path]
    etag = hashlib.sha256(content).hexdigest() if large else blob_id(content)
    headers = {"ETag": f'"{etag}"', "X_Repo_Commit": commit, "Accept_Ranges": "bytes"}
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
    if wanted is None:
        self.answer(200, content, **headers)
        return
    first, last = int(wanted[1]), int(wanted[2] or len(content) - 1)
    headers["Content_Range"] = f"bytes {first}-{min(last, len(content) - 1)}/{len(content)}"
    self.answer(206, content[first : last + 1], **headers)


_API = r"/api/datasets/(?P<repo>[^/]+/[^/]+)"
_ROUTES: list[tuple[tuple[str, ...], str, Any]] = [
    (("POST",), r"/api/repos/create", _create),
    (("POST",), r"/api/validate-yaml", _yaml),
    (("POST",), _API + r"/preupload/(?P<revision>.+)", _preupload),
    (("POST",), r"/datasets/(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch", _batch),
    (("PUT",), r"/store/(?P<oid>[0-9a-f]{64})", _store),
    (("POST",), _API + r"/commit/(?P<revision>.+)", _commit),
    (("POST",), _API + r"/tag/(?P<revision>.+)", _tag),
    (("GET",), _API + r"/refs", _refs),
    (("GET", "HEAD"), _API + r"/revision/(?P<revision>.+)", _info),
    (("GET",), _API + r"/tree/(?P<revision>[^/]+)(?P<below>/.*)?", _tree),
    (("POST",), _API + r"/paths-info/(?P<revision>.+)", _paths),
    (("GET", "HEAD"), _API, _info),
    (
        ("GET", "HEAD"),
        r"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)",
        _resolve,
    ),
]
