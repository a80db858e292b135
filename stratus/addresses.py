"""The one table of addresses: where on this machine each host name of AWS is found.

AWS gives its services, APIs and buckets host names; here everything is `localhost` with ports, which resolves everywhere. Ports lie in
N..N+19: N is the AWS endpoint over HTTP, N+1 over HTTPS, and each REST API (later each distribution) has a pair of its own behind them, for good:
which pair it is stands in the data directory.

What is rewritten is a *URL*, with its scheme, wherever a template's string has been evaluated: outputs, a function's environment, origins of
CORS. What merely looks like a host never is: service principals (`lambda.amazonaws.com`), provider names and condition keys
(`cognito-idp.REGION.amazonaws.com/POOL`, `cognito-identity.amazonaws.com:sub`) have no scheme; and the issuers of tokens
(`https://cognito-idp.REGION.amazonaws.com/POOL`, `https://cognito-identity.amazonaws.com`) are names that tokens carry, not places: only what
is fetched below them (`/.well-known/...`) is a place.
"""

import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

PORTS = 20
_FIRST_SITE = 2  # before it: the AWS endpoint's two
_SITES = (PORTS - _FIRST_SITE) // 2

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.(?:amazonaws\.com|cloudfront\.net))(?::(?:80|443))?"
    r"(?P<path>/[A-Za-z0-9_/.-]*)?(?![a-z0-9.:@-])",
    re.IGNORECASE,
)
_ISSUER_PATH = re.compile(r"/[a-z0-9-]+_[A-Za-z0-9]+/?")
_REGIONAL = frozenset(
    {
        "apigateway",
        "cloudformation",
        "cognito-identity",
        "cognito-idp",
        "dynamodb",
        "email",
        "iam",
        "lambda",
        "logs",
        "sns",
        "sqs",
        "sts",
    }
)
_GLOBAL = frozenset({"iam", "sts"})
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class NoPortLeft(Exception):  # noqa: N818 - named for what happened
    """All ports of this cloud are given away."""


@dataclass(frozen=True, slots=True)
class _Site:
    """What has a pair of ports: `execute-api/eu-central-1/abc123`, `cloudfront//d111`."""

    kind: str
    region: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.region}/{self.name}"


class LocalAddresses:
    """Local addresses, with the ports that were given to sites kept in `file`.

    `public_url` (`https://cloud.example.org`) says under which scheme and name the world sees this machine; ports are appended to it. Without
    one it is `http://localhost`, or `https://localhost` once `stratus trust` has left its mark (`trusted`) beside `file`.
    """

    def __init__(self, file: Path, *, port_base: int, public_url: str | None = None) -> None:
        self._file = file
        self._base = port_base
        default = "https://localhost" if file.with_name("trusted").exists() else "http://localhost"
        public = urlsplit(public_url or default)
        if public.scheme not in ("http", "https") or not public.hostname or public.port or public.path.strip("/"):
            raise ValueError(
                f"the public URL must be a scheme and a name, such as https://cloud.example.org, not {public_url}"
            )
        self._scheme, self._name = public.scheme, public.hostname
        self._slots: dict[str, int] = _read(file)

    @property
    def endpoint(self) -> str:
        """The AWS endpoint over plain HTTP, as this machine's own processes reach it."""
        return f"http://localhost:{self._base}"

    @property
    def public_endpoint(self) -> str:
        """The AWS endpoint as people's clients reach it."""
        return self._at(self._base)

    @property
    def https_endpoint(self) -> str:
        """The AWS endpoint over HTTPS."""
        return f"https://{self._name}:{self._base + 1}"

    def endpoint_of(self, host: str, *, secure: bool) -> str | None:
        """The AWS endpoint as somebody addressed it who sent `host` (a Host header), or None where that is no address of ours."""
        name, _, port = host.rpartition(":")
        ours = name in (*_LOOPBACK, self._name) and port == str(self._base + secure)
        return f"{'https' if secure else 'http'}://{host}" if ours else None

    def is_endpoint(self, url: str) -> bool:
        """Whether `url` is an address of the AWS endpoint, as `endpoint_of` gives it."""
        scheme, _, host = url.partition("://")
        return self.endpoint_of(host, secure=scheme == "https") == url

    def site(self, kind: str, region: str, name: str) -> str | None:
        """The address of a site that has ports, without a slash at the end."""
        slot = self._slots.get(str(_Site(kind, region, name)))
        return None if slot is None else self._at(self._base + _FIRST_SITE + 2 * slot)

    def port_of(self, kind: str, region: str, name: str) -> int:
        """The HTTP port of a site; the next is its HTTPS port. A site that has none is given the first free pair. Raises NoPortLeft."""
        key = str(_Site(kind, region, name))
        if key not in self._slots:
            free = next((slot for slot in range(_SITES) if slot not in self._slots.values()), None)
            if free is None:
                raise NoPortLeft(
                    f"all ports {self._base} to {self._base + PORTS - 1} are given away; delete a stack that is not needed"
                )
            self._slots[key] = free
            _write(self._file, self._slots)
        return self._base + _FIRST_SITE + 2 * self._slots[key]

    def release(self, kind: str, region: str, name: str) -> None:
        """A site is gone; its ports may be given to another."""
        if self._slots.pop(str(_Site(kind, region, name)), None) is not None:
            _write(self._file, self._slots)

    def localise(self, text: str) -> str:
        """`text` with every URL of ours that AWS would serve replaced by where it is here; all else is left as it is."""
        if "://" not in text:
            return text
        return _URL.sub(self._replacement, text)

    def _replacement(self, match: re.Match[str]) -> str:
        path = match["path"] or ""
        where = self._place(match["host"].lower(), path)
        return match[0] if where is None else where + path

    def _place(self, host: str, path: str) -> str | None:
        """The local address that stands for `scheme://host`, or None for what is not ours or no place."""
        if host.endswith(".cloudfront.net"):
            return self.site("cloudfront", "", host.removesuffix(".cloudfront.net"))
        labels = host.removesuffix(".amazonaws.com").split(".")
        if len(labels) == 3 and labels[1] == "execute-api":
            return self.site("execute-api", labels[2], labels[0])
        if "s3" in labels:
            return self._bucket(labels)
        if labels[0] == "cognito-idp" and _ISSUER_PATH.fullmatch(path):
            return None
        known = (len(labels) == 2 and labels[0] in _REGIONAL) or (len(labels) == 1 and labels[0] in _GLOBAL)
        return self.public_endpoint if known else None

    def _bucket(self, labels: list[str]) -> str | None:
        """`bucket.s3.region`, `s3.region`, `bucket.s3`, each with `dualstack` or without."""
        at = len(labels) - 1 - labels[::-1].index("s3")
        bucket, rest = ".".join(labels[:at]), [label for label in labels[at + 1 :] if label != "dualstack"]
        if len(rest) > 1:
            return None
        return f"{self.public_endpoint}/{bucket}" if bucket else self.public_endpoint

    def _at(self, port: int) -> str:
        return f"{self._scheme}://{self._name}:{port + 1 if self._scheme == 'https' else port}"


def _read(file: Path) -> dict[str, int]:
    try:
        slots: dict[str, int] = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    return slots


def _write(file: Path, slots: dict[str, int]) -> None:
    """Replaces the file as a whole; it is on disk when this returns."""
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        json.dump(slots, stream)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, file)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
