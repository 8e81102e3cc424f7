"""A Hugging Face Hub on loopback, for tests.

HubServer        the server: repositories, commits, branches, counters, faults
environment      the environment of a process that is to use it
redirected       point this very process at it (and back, at the end)
celeba_files     a small data set of CelebA-attrs' schema, as the files of a repository
coco_files       a small data set of coco2017's schema
dataset_files    any `datasets.Dataset`s as the files of a repository

`huggingface_hub` and `datasets` read HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE when they are imported. A test that starts
a process (a kill -9, a run offline, a whole DAG) gives it `environment(server, home)`. A test that calls functions of
this process uses `with redirected(server, home):`, which sets the same constants where the libraries keep them, empties
the libraries' caches in memory, and puts all back.

The server speaks the part of the Hub's protocol that huggingface_hub 2, datasets 5 and transformers 5 ask for: info of
a repository and revision, refs, commits, tree, paths-info, resolve (HEAD and GET, ranges, the headers of the Hub, large
files through a redirect to another port, which stands for the Hub's CDN). Xet is absent, as on a mirror.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import io
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

LARGE = (".parquet", ".safetensors", ".bin", ".h5", ".zip", ".tar", ".arrow")  # kept in LFS: served by redirect

CELEBA_ATTRIBUTES = [
    "5_o_Clock_Shadow",
    "Arched_Eyebrows",
    "Attractive",
    "Bags_Under_Eyes",
    "Bald",
    "Bangs",
    "Big_Lips",
    "Big_Nose",
    "Black_Hair",
    "Blond_Hair",
    "Blurry",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Chubby",
    "Double_Chin",
    "Eyeglasses",
    "Goatee",
    "Gray_Hair",
    "Heavy_Makeup",
    "High_Cheekbones",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Narrow_Eyes",
    "No_Beard",
    "Oval_Face",
    "Pale_Skin",
    "Pointy_Nose",
    "Receding_Hairline",
    "Rosy_Cheeks",
    "Sideburns",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Earrings",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Wearing_Necklace",
    "Wearing_Necktie",
    "Young",
]


@dataclass
class Commit:
    """One state of a repository."""

    sha: str
    files: dict[str, bytes]


@dataclass
class Repository:
    """A repository: its commits, newest first, and where its branches stand."""

    kind: str
    name: str
    commits: list[Commit] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, revision: str) -> Commit | None:
        """Find a commit by branch or by full sha."""
        sha = self.branches.get(revision, revision)
        return next((commit for commit in self.commits if commit.sha == sha), None)


@dataclass(frozen=True)
class Request:
    """What was asked, and how many bytes of body were sent."""

    method: str
    path: str
    range: str
    status: int
    sent: int


@dataclass
class Fault:
    """What goes wrong where a path matches, and how often (None: always)."""

    pattern: str
    kind: str
    times: int | None
    after: int
    retry_after: int | str
    seconds: float
    method: str


class HubServer:
    """A server on 127.0.0.1 and a free port; a context manager.

    ``url`` is its address, ``requests`` what it was asked, ``bytes_sent`` the bytes of the bodies that it sent. A
    ``plain`` one says of what is not there the status 404 alone, without the Hub's own words, as many a mirror does.
    """

    def __init__(self, plain: bool = False) -> None:
        self.plain = plain
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.requests: list[Request] = []
        self.blobs: dict[str, tuple[bytes, Commit]] = {}
        self.faults: list[Fault] = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        # the Hub sends large files from another host, whose answers lack the Hub's headers; here it is another port
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, self)) for _ in range(2)]
        for server in self._servers:
            server.daemon_threads = True
            server.handle_error = lambda *_: None  # a client that goes away is no news
        self.url, self.cdn = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)

    def __enter__(self) -> HubServer:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @property
    def bytes_sent(self) -> int:
        """Bytes of all bodies sent."""
        with self.lock:
            return sum(request.sent for request in self.requests)

    def forget(self) -> None:
        """Start counting anew."""
        with self.lock:
            self.requests.clear()

    def add_dataset(self, name: str, files: Mapping[str, bytes] | Path, readme: str = "", revision: str = "") -> str:
        """Add a data set, or a commit to one; ``main`` moves there. Gives the full sha."""
        return self._add("dataset", name, files, readme, revision)

    def add_model(self, name: str, files: Mapping[str, bytes] | Path, readme: str = "", revision: str = "") -> str:
        """Add a model, or a commit to one, from files or from a folder; ``main`` moves there. Gives the full sha."""
        return self._add("model", name, files, readme, revision)

    def branch(self, name: str, branch: str, sha: str, kind: str = "dataset") -> None:
        """Make a branch or a tag, or move it."""
        self.repositories[kind, name].branches[branch] = sha

    def forget_commit(self, name: str, sha: str, kind: str = "dataset") -> None:
        """Take a commit away, as a rewritten history does."""
        repository = self.repositories[kind, name]
        repository.commits = [commit for commit in repository.commits if commit.sha != sha]
        repository.branches = {branch: at for branch, at in repository.branches.items() if at != sha}

    def fault(
        self,
        pattern: str,
        kind: str,
        times: int | None = None,
        after: int = 0,
        retry_after: int | str = 0,
        seconds: float = 0.0,
        method: str = "",
    ) -> Fault:
        """Make requests fail.

        Parameters
        ----------
        pattern : str
            Regular expression, searched in the path with its query.
        kind : str
            ``stall`` (no answer until the client goes), ``drip`` (headers that never end),
            ``delay`` (of so many ``seconds``, then a right answer), a
            status such as ``429`` (with ``retry_after``, seconds or a date), ``503``, ``401``, ``403``, ``gated``;
            ``truncate`` (half of the body), ``html`` (a page with status 200), ``loop`` (a redirect to itself),
            ``corrupt`` (bytes of the body turned over), ``whole`` (ranges ignored).
        times : int, optional
            How often; always, if not given.
        after : int
            How many matching requests are served before.
        method : str
            Only this one.
        """
        fault = Fault(pattern, kind, times, after, retry_after, seconds, method)
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        """Take all faults away."""
        self.faults.clear()

    def due(self, method: str, path: str) -> Fault | None:
        """Take the fault that this request meets."""
        with self.lock:
            for fault in self.faults:
                if (fault.method and fault.method != method) or not re.search(fault.pattern, path):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.times is None:
                    return fault
                if fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def _add(self, kind: str, name: str, files: Mapping[str, bytes] | Path, readme: str, revision: str) -> str:
        if isinstance(files, Path):
            files = {
                path.relative_to(files).as_posix(): path.read_bytes()
                for path in sorted(files.rglob("*"))
                if path.is_file()
            }
        contents = dict(files) | ({"README.md": readme.encode()} if readme else {})
        repository = self.repositories.setdefault((kind, name), Repository(kind, name))
        parts = [f"{path}\0{hashlib.sha256(content).hexdigest()}" for path, content in sorted(contents.items())]
        parent = repository.commits[0].sha if repository.commits else ""
        sha = revision or hashlib.sha1("\n".join([kind, name, parent, *parts]).encode()).hexdigest()
        commit = Commit(sha, contents)
        repository.commits.insert(0, commit)
        repository.branches["main"] = sha
        self.blobs.update({hashlib.sha256(content).hexdigest(): (content, commit) for content in contents.values()})
        return sha


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, hub: HubServer, *arguments: object) -> None:
        self.hub = hub
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing: the requests are kept."""

    def _answer(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.hub.due(self.command, self.path)
        match fault.kind if fault else "":
            case "":
                self._route()
            case "stall":
                self._note(0, 0)
                self.hub.stopping.wait()
                self.close_connection = True
            case "drip":
                self._drip()
            case "delay":
                self.hub.stopping.wait(fault.seconds)
                self._route()
            case "html":
                self._send(200, b"<!DOCTYPE html><html><body>Sign in to the network</body></html>", "text/html")
            case "loop":
                self._send(302, b"", headers={"Location": self.path})
            case "gated":
                self._refuse(403, "GatedRepo", "Access to this data set is restricted")
            case "401":
                self._refuse(401, "", "Invalid credentials in Authorization header")
            case "truncate" | "corrupt" | "whole":
                self._route(fault.kind)
            case status:
                after = {"Retry-After": str(fault.retry_after)} if fault.retry_after else {}
                self._send(int(status), b"not now", "text/plain", after)

    def _drip(self) -> None:
        """Send a header that never ends, a byte now and then."""
        self._note(0, 0)
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        with contextlib.suppress(OSError):
            while not self.hub.stopping.wait(0.1):
                self.wfile.write(b"x")

    def _route(self, damage: str = "") -> None:
        path = unquote(urlsplit(self.path).path)
        if match := re.fullmatch(r"/cdn/([0-9a-f]{64})", path):
            content, _ = self.hub.blobs[match[1]]
            self._send_ranged(content, {"ETag": f'"{match[1]}"'}, damage)
        elif match := re.fullmatch(r"/api/(dataset|model)s/([^/]+/[^/]+)(?:/([a-z-]+)(?:/(.*))?)?", path):
            self._api(match[1], match[2], match[3] or "revision", match[4] or "", damage)
        elif match := re.fullmatch(r"/(datasets/)?([^/]+/[^/]+)/resolve/(.+)", path):
            self._resolve("dataset" if match[1] else "model", match[2], match[3], damage)
        else:
            self._send_json({"error": "not found"}, 404)

    def _found(self, kind: str, name: str, rest: str) -> tuple[Commit, str] | None:
        """Part a revision from what follows it; refuse what there is not."""
        repository = self.hub.repositories.get((kind, name))
        if repository is None:
            self._refuse(401, "RepoNotFound", "Repository not found")
            return None
        for revision in sorted(repository.branches, key=len, reverse=True):
            if rest == revision or rest.startswith(revision + "/"):
                commit = repository.commit(revision)
                assert commit is not None
                return commit, rest[len(revision) + 1 :]
        revision, _, after = rest.partition("/")
        commit = repository.commit(revision)
        if commit is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return None
        return commit, after

    def _api(self, kind: str, name: str, verb: str, rest: str, damage: str) -> None:
        if verb == "refs":
            repository = self.hub.repositories.get((kind, name))
            if repository is None:
                self._refuse(401, "RepoNotFound", "Repository not found")
                return
            branches = [
                {"name": branch, "ref": f"refs/heads/{branch}", "targetCommit": sha}
                for branch, sha in repository.branches.items()
            ]
            self._send_json({"branches": branches, "tags": [], "converts": []}, damage=damage)
            return
        found = self._found(kind, name, rest or "main")
        if found is None:
            return
        commit, inside = found
        match verb:
            case "revision":
                self._send_json(_info(kind, name, commit), damage=damage)
            case "commits":
                self._send_json(self._commits(kind, name, commit), damage=damage)
            case "tree":
                query = parse_qs(urlsplit(self.path).query)
                recursive = query.get("recursive", ["false"])[0].lower() in ("true", "1")
                entries = _tree(commit, inside, recursive)
                if inside and not entries:
                    self._refuse(404, "EntryNotFound", f"{inside} does not exist")
                else:
                    self._send_json(entries, damage=damage)
            case "paths-info":
                self._send_json(_paths_info(commit, _asked_paths(self.body, self.headers)), damage=damage)
            case _:
                self._send_json({"error": "not found"}, 404)

    def _commits(self, kind: str, name: str, start: Commit) -> list[dict[str, object]]:
        commits = self.hub.repositories[kind, name].commits
        page = int(parse_qs(urlsplit(self.path).query).get("p", ["0"])[0])
        history = commits[commits.index(start) :] if page == 0 else []
        return [
            {"id": one.sha, "title": "commit", "message": "", "date": "2024-01-01T00:00:00.000Z", "authors": []}
            for one in history
        ]

    def _resolve(self, kind: str, name: str, rest: str, damage: str) -> None:
        found = self._found(kind, name, rest)
        if found is None:
            return
        commit, path = found
        if path not in commit.files:
            self._refuse(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit.sha})
            return
        content = commit.files[path]
        headers = {"X-Repo-Commit": commit.sha, "ETag": f'"{_oid(content)}"'}
        if path.endswith(LARGE):
            sha = hashlib.sha256(content).hexdigest()
            linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{sha}"'}
            self._send(302, b"", headers={**headers, **linked, "Location": f"{self.hub.cdn}/cdn/{sha}"})
        else:
            self._send_ranged(content, headers, damage)

    def _send_ranged(self, content: bytes, headers: Mapping[str, str], damage: str) -> None:
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or "")
        headers = {**headers, "Accept-Ranges": "bytes"}
        if damage == "corrupt":
            content = bytes(byte ^ 0x55 for byte in content)
        if asked is None or damage == "whole":
            self._send(200, content, headers=headers, damage=damage)
            return
        first, last = _span(asked[1], asked[2], len(content))
        if first >= len(content):
            self._send(416, b"", headers={"Content-Range": f"bytes */{len(content)}"})
            return
        part = content[first : last + 1]
        self._send(
            206, part, headers={**headers, "Content-Range": f"bytes {first}-{last}/{len(content)}"}, damage=damage
        )

    def _refuse(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        if self.hub.plain and code.endswith("NotFound"):
            self._send_json({"detail": "Not Found"}, 404)
            return
        named = {"X-Error-Code": code} if code else {}
        self._send_json({"error": message}, status, {**named, "X-Error-Message": message, **(headers or {})})

    def _send_json(
        self, value: object, status: int = 200, headers: Mapping[str, str] | None = None, damage: str = ""
    ) -> None:
        self._send(status, json.dumps(value).encode(), "application/json", headers, damage)

    def _send(
        self,
        status: int,
        body: bytes,
        content_type: str = "application/octet-stream",
        headers: Mapping[str, str] | None = None,
        damage: str = "",
    ) -> None:
        self.send_response(status)
        for key, value in {"Content-Type": content_type, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        if damage == "truncate":
            body = body[: len(body) // 2]
            self.close_connection = True
        sent = b"" if self.command == "HEAD" else body
        # before anything goes out: an answer without a body is complete with its headers
        self._note(status, len(sent))
        self.end_headers()
        self.wfile.write(sent)

    def _note(self, status: int, sent: int) -> None:
        with self.hub.lock:
            self.hub.requests.append(Request(self.command, self.path, self.headers.get("Range") or "", status, sent))


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last) if last else size - 1, size - 1)


def _oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _info(kind: str, name: str, commit: Commit) -> dict[str, object]:
    return {
        "_id": commit.sha[:24],
        "id": name,
        "author": name.split("/")[0],
        "sha": commit.sha,
        "lastModified": "2024-01-01T00:00:00.000Z",
        "createdAt": "2024-01-01T00:00:00.000Z",
        "private": False,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": [{"rfilename": path} for path in commit.files],
        **({"modelId": name} if kind == "model" else {}),
    }


def _entry(path: str, content: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": _oid(content)}
    if path.endswith(LARGE):
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 132}
    return entry


def _folders(commit: Commit) -> set[str]:
    return {str(parent) for path in commit.files for parent in Path(path).parents if str(parent) != "."}


def _tree(commit: Commit, inside: str, recursive: bool) -> list[dict[str, object]]:
    inside = inside.strip("/")
    folders = [{"type": "directory", "path": path, "size": 0, "oid": _oid(path.encode())} for path in _folders(commit)]
    entries = folders + [_entry(path, content) for path, content in commit.files.items()]

    def lies_here(path: str) -> bool:
        if inside and not path.startswith(inside + "/"):
            return False
        return recursive or "/" not in path.removeprefix(inside).strip("/")

    return sorted((entry for entry in entries if lies_here(str(entry["path"]))), key=lambda entry: str(entry["path"]))


def _asked_paths(body: bytes, headers: Mapping[str, str]) -> list[str]:
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    if "json" in (headers.get("Content-Type") or ""):
        return list(json.loads(body)["paths"])
    return parse_qs(body.decode()).get("paths", [])


def _paths_info(commit: Commit, paths: list[str]) -> list[dict[str, object]]:
    folders = _folders(commit)
    found: list[dict[str, object]] = []
    for path in paths:
        if path in commit.files:
            found.append(_entry(path, commit.files[path]))
        elif path in folders:
            found.append({"type": "directory", "path": path, "size": 0, "oid": _oid(path.encode())})
    return found


def environment(server: HubServer, home: Path, offline: bool = False) -> dict[str, str]:
    """Give the environment of a process that is to use a server, with nothing cached but in a folder."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_"))}
    return {
        **kept,
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        "HF_HUB_OFFLINE": "1" if offline else "0",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


@contextlib.contextmanager
def redirected(server: HubServer, home: Path, offline: bool = False) -> Iterator[None]:
    """Point this process at a server, with nothing cached but in a folder."""
    import datasets.config
    import fsspec
    import huggingface_hub
    from huggingface_hub import constants

    url = server.url
    settings: list[tuple[object, str, object]] = [
        (constants, "ENDPOINT", url),
        (constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}"),
        (constants, "HF_HOME", str(home)),
        (constants, "HF_HUB_CACHE", str(home / "hub")),
        (constants, "HUGGINGFACE_HUB_CACHE", str(home / "hub")),
        (constants, "HF_TOKEN_PATH", str(home / "token")),
        (constants, "HF_STORED_TOKENS_PATH", str(home / "stored_tokens")),
        (constants, "HF_HUB_OFFLINE", offline),
        (constants, "HF_HUB_DISABLE_TELEMETRY", True),
        (datasets.config, "HF_ENDPOINT", url),
        (datasets.config, "HUB_DATASETS_URL", url + "/datasets/{repo_id}/resolve/{revision}/{path}"),
        (datasets.config, "HF_HUB_OFFLINE", offline),
        (datasets.config, "HF_DATASETS_OFFLINE", offline),
        (datasets.config, "HF_UPDATE_DOWNLOAD_COUNTS", False),
        (datasets.config, "HF_CACHE_HOME", str(home)),
        (datasets.config, "HF_DATASETS_CACHE", home / "datasets"),
        (datasets.config, "DOWNLOADED_DATASETS_PATH", home / "datasets" / "downloads"),
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in settings]
    proxies = {name: os.environ.get(name) for name in ("NO_PROXY", "no_proxy")}

    def forget() -> None:
        huggingface_hub.HfFileSystem.clear_instance_cache()
        fsspec.config.conf.pop("hf", None)
        huggingface_hub.close_session()

    try:
        for module, name, value in settings:
            setattr(module, name, value)
        os.environ.update(dict.fromkeys(proxies, "127.0.0.1"))
        forget()
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
        for name, previous in proxies.items():
            if previous is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = previous
        forget()


def dataset_files(
    splits: Mapping[str, object], rows_per_group: int = 100, files: int = 1, configuration: str = ""
) -> dict[str, bytes]:
    """Write `datasets.Dataset`s as the files of a repository, with the README that names their splits.

    Parameters
    ----------
    splits : mapping of Dataset
        By name.
    rows_per_group : int
        Rows of a Parquet row group.
    files : int
        Parquet files of each split.
    configuration : str
        Name of the configuration; ``default``, if not given.
    """
    folder = configuration or "data"
    repository: dict[str, bytes] = {}
    for split, whole in splits.items():
        for index in range(files):
            part = whole.shard(files, index, contiguous=True)  # type: ignore[attr-defined]
            buffer = io.BytesIO()
            part.to_parquet(buffer, batch_size=rows_per_group)
            repository[f"{folder}/{split}-{index:05d}-of-{files:05d}.parquet"] = buffer.getvalue()
    repository["README.md"] = _readme(splits, folder, configuration or "default").encode()
    return repository


def _readme(splits: Mapping[str, object], folder: str, configuration: str) -> str:
    import yaml
    from datasets import DatasetInfo

    first = next(iter(splits.values()))
    features = DatasetInfo(features=first.features)._to_yaml_dict()["features"]  # type: ignore[attr-defined]
    counts = [
        {"name": name, "num_bytes": int(whole.data.nbytes), "num_examples": len(whole)}  # type: ignore[attr-defined, arg-type]
        for name, whole in splits.items()
    ]
    size = sum(int(count["num_bytes"]) for count in counts)
    card = {
        "dataset_info": {
            "config_name": configuration,
            "features": features,
            "splits": counts,
            "download_size": size,
            "dataset_size": size,
        },
        "configs": [
            {
                "config_name": configuration,
                "data_files": [{"split": name, "path": f"{folder}/{name}-*"} for name in splits],
            }
        ],
    }
    return f"---\n{yaml.safe_dump(card, sort_keys=False)}---\n# A data set for tests\n"


def jpeg(rng: np.random.Generator, side: int = 128) -> bytes:
    """Encode a picture of noise on a gradient: some kilobytes, and no two alike."""
    from PIL import Image

    ramp = np.linspace(40, 200, side)[:, None, None] + rng.normal(0, 25, (side, side, 3)) + rng.uniform(-30, 30, 3)
    buffer = io.BytesIO()
    Image.fromarray(np.clip(ramp, 0, 255).astype(np.uint8)).save(buffer, format="JPEG", quality=85)
    return buffer.getvalue()


def celeba_files(
    sizes: Mapping[str, int] | None = None,
    rows_per_group: int = 20,
    files: int = 1,
    seed: int = 0,
    absent: int = -1,
    paths: bool = True,
    side: int = 128,
) -> dict[str, bytes]:
    """Make a data set of the schema of tpremoli/CelebA-attrs.

    Parameters
    ----------
    sizes : mapping of int
        Rows of each split.
    absent : int
        How an absent attribute is written: -1 or 0.
    paths : bool
        Whether images carry the name of their file.
    """
    from datasets import Dataset, Features, Image, Value

    features = Features({"image": Image(), **{name: Value("int64") for name in CELEBA_ATTRIBUTES}})
    splits, number = {}, 0
    for split, size in (sizes or {"train": 120, "validation": 60, "test": 60}).items():
        rng = np.random.default_rng([seed, number])
        columns: dict[str, list[object]] = {"image": [], **{name: [] for name in CELEBA_ATTRIBUTES}}
        for _ in range(size):
            number += 1
            columns["image"].append({"bytes": jpeg(rng, side), "path": f"{number:06d}.jpg" if paths else None})
            present = rng.random(len(CELEBA_ATTRIBUTES)) < 0.3
            for name, is_present in zip(CELEBA_ATTRIBUTES, present, strict=True):
                columns[name].append(1 if is_present else absent)
        splits[split] = Dataset.from_dict(columns, features=features)
    return dataset_files(splits, rows_per_group, files)


def coco_files(
    images: Mapping[str, list[Mapping[str, object]]],
    rows_per_group: int = 100,
    base: str = "http://images.cocodataset.org",
) -> dict[str, bytes]:
    """Make a data set of the schema of phiyodr/coco2017: addresses of images, and no bytes.

    Parameters
    ----------
    images : mapping of lists of mappings
        For ``train`` and ``validation``: ``image_id``, and what else differs from the defaults.
    base : str
        Address of the server of images.
    """
    from datasets import Dataset, Features, List, Value

    text, number = Value("string"), Value("int64")
    features = Features(
        {
            "license": number,
            "file_name": text,
            "coco_url": text,
            "height": number,
            "width": number,
            "date_captured": text,
            "flickr_url": text,
            "image_id": number,
            "ids": List(number),
            "captions": List(text),
        }
    )
    splits = {}
    for split, rows in images.items():
        folder = {"train": "train2017", "validation": "val2017"}.get(split, split)
        filled = [_coco_row(row, f"{base}/{folder}") for row in rows]
        splits[split] = Dataset.from_dict({name: [row[name] for row in filled] for name in features}, features=features)
    return dataset_files(splits, rows_per_group)


def _coco_row(row: Mapping[str, object], address: str) -> dict[str, object]:
    number = int(str(row["image_id"]))
    name = f"{number:012d}.jpg"
    return {
        "license": 1,
        "file_name": name,
        "coco_url": f"{address}/{name}",
        "height": 480,
        "width": 640,
        "date_captured": "2013-11-14 17:02:52",
        "flickr_url": f"http://farm1.staticflickr.com/1/{number}_z.jpg",
        "ids": [number * 10 + index for index in range(5)],
        "captions": [f"caption {index} of image {number}" for index in range(5)],
        **row,
    }
