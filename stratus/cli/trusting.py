"""`stratus trust`: our certificate authority in the stores that browsers and other programs look into.

The authority's certificate is constrained to this machine's own names (RFC 5280), so trusting it says nothing about any other site.
Browsers on Linux keep a store of their own (NSS, by `certutil` of libnss3-tools); on macOS all ask the login keychain.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stratus.cli import screen
from stratus.cli.failures import Failure
from stratus.cli.naming import command

MARK = "trusted"


@dataclass(frozen=True)
class Store:
    """One place of trust, and the commands that put a certificate in and take it out."""

    name: str
    install: Sequence[Sequence[str]]
    uninstall: Sequence[Sequence[str]]


def install(data: Path) -> None:
    """Puts the authority into every store it can; raises Failure where there is none."""
    certificate = _certificate(data)
    stores = _stores(certificate)
    done = [store for store in stores if _do(store.name, store.install, "put into")]
    if not done:
        raise Failure(_no_store(data, certificate))
    (data / MARK).write_text(_fingerprint(certificate), encoding="ascii")
    screen.say(f"Start `{command('up', data)}` again: its addresses are https then.")


def uninstall(data: Path) -> None:
    """Takes the authority out of every store."""
    certificate = _certificate(data)
    for store in _stores(certificate):
        _do(store.name, store.uninstall, "taken out of")
    (data / MARK).unlink(missing_ok=True)


def is_outdated(data: Path, certificate: Path) -> bool:
    """Whether another authority than the present one was trusted: it was renewed, or made anew for other names."""
    mark = data / MARK
    return mark.exists() and mark.read_text(encoding="ascii").strip() not in ("", _fingerprint(certificate))


def _certificate(data: Path) -> Path:
    certificate = (data / "tls" / "ca.pem").resolve()
    if not certificate.is_file():
        raise Failure(f"{data} has no certificate authority yet: run `stratus up --data {data}` once.")
    return certificate


def _stores(certificate: Path) -> list[Store]:
    name = f"stratus-{_fingerprint(certificate)[:16]}"
    if sys.platform == "darwin":
        keychain = str(Path.home() / "Library/Keychains/login.keychain-db")
        return [
            Store(
                "the login keychain",
                [["security", "add-trusted-cert", "-r", "trustRoot", "-k", keychain, str(certificate)]],
                [["security", "remove-trusted-cert", str(certificate)]],
            )
        ]
    return [*_browser_stores(certificate, name), *_system_stores(certificate, name)]


def _browser_stores(certificate: Path, name: str) -> list[Store]:
    """Chromium and what else uses the shared NSS database."""
    if shutil.which("certutil") is None:
        screen.warn(
            "Browsers: `certutil` is missing; install libnss3-tools (Debian), nss-tools (Fedora) or nss (Arch), then try again."
        )
        return []
    database = Path.home() / ".pki" / "nssdb"
    where = ["certutil", "-d", f"sql:{database}"]
    commands = [[*where, "-A", "-t", "C,,", "-n", name, "-i", str(certificate)]]
    if not (database / "cert9.db").exists():
        database.mkdir(mode=0o700, parents=True, exist_ok=True)
        commands.insert(0, [*where, "-N", "--empty-password"])
    return [Store(f"the browsers' store {database}", commands, [[*where, "-D", "-n", name]])]


def _system_stores(certificate: Path, name: str) -> list[Store]:
    """The store of curl, git and most command-line programs; only root may change it."""
    for folder, update, *afresh in (
        (Path("/usr/local/share/ca-certificates"), "update-ca-certificates", "--fresh"),  # else dead links stay behind
        (Path("/etc/pki/ca-trust/source/anchors"), "update-ca-trust"),
        (Path("/etc/ca-certificates/trust-source/anchors"), "update-ca-trust"),
    ):
        if not folder.is_dir() or shutil.which(update) is None:
            continue
        if os.geteuid() != 0:
            screen.warn(
                f"Command-line programs: the system's store needs root: sudo cp {certificate} {folder / name}.crt && sudo {update}"
            )
            return []
        file = str(folder / f"{name}.crt")
        return [
            Store(
                "the system's store",
                [["cp", str(certificate), file], [update]],
                [["rm", "-f", file], [update, *afresh]],
            )
        ]
    return []


def _do(store: str, commands: Sequence[Sequence[str]], deed: str) -> bool:
    for words in commands:
        screen.say(f"  {' '.join(words)}")
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - our own commands, no shell
        if done.returncode != 0:
            screen.warn(f"It was not {deed} {store}: {done.stderr.strip() or done.stdout.strip()}")
            return False
    screen.say(f"The authority was {deed} {store}.")
    return True


def _no_store(data: Path, certificate: Path) -> str:
    return (
        f"No store of this machine could be changed. Import {certificate} in your browser's settings (Authorities), "
        f"then leave the mark yourself: touch {data / MARK}"
    )


def _fingerprint(certificate: Path) -> str:
    return hashlib.sha256(certificate.read_bytes()).hexdigest()
