"""A function's code on disk: archives are checked and unpacked once, an author's own directory is watched for changes."""

import asyncio
import base64
import hashlib
import io
import os
import shutil
import stat
import zipfile
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stratus.wire.errors import AwsError
from stratus.wire.message import FileRange

MAX_ZIP = 50 * 1024 * 1024
"""Bytes of a zipped package sent with the request; from S3 it may be as large as unpacked."""
MAX_UNZIPPED = 250 * 1024 * 1024
MAX_FILES = 20_000
_NOT_CODE = frozenset({"__pycache__", "node_modules"})


@dataclass(frozen=True, slots=True)
class Code:
    """Where code lies, and what the API says of it."""

    path: Path
    sha256: str
    size: int
    watched: bool = False


def unpack(archive: bytes, directory: Path) -> Code:
    """Unpacks a deployment package beneath `directory` (by its hash, whole or not at all). Blocks: run it in a thread.

    Raises InvalidParameterValueException for what is no zip, is too large unpacked, or names files outside itself.
    """
    digest = hashlib.sha256(archive)
    target = directory / digest.hexdigest()
    code = Code(target, base64.b64encode(digest.digest()).decode(), len(archive))
    if target.is_dir():
        return code
    unfinished = directory / f".{digest.hexdigest()}.{os.getpid()}"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as package:
            _check(package.infolist())
            _extract(package, unfinished)
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        FileExistsError,
    ) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise invalid("Could not unzip uploaded file. Please check your file, then try to upload again.") from error
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _sync(unfinished)
    unfinished.rename(target)
    _sync_directory(directory)
    return code


def local(path: str) -> Code:
    """The code of an author's own directory, run where it lies."""
    directory = Path(path)
    if not directory.is_absolute() or not directory.is_dir():
        raise invalid(f"There is no directory {path}.")
    signature, size = scan(directory)
    return Code(directory.resolve(), signature, size, watched=True)


def scan(directory: Path) -> tuple[str, int]:
    """A signature that changes with the names, sizes and times of the files, and their size in all. Blocks.

    Hidden files and what tools leave behind are not looked at.
    """
    digest = hashlib.sha256()
    size = files = 0
    stack = [os.fspath(directory)]
    while stack:
        with os.scandir(stack.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.startswith(".") or entry.name in _NOT_CODE:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    stack.append(entry.path)
                    continue
                about = entry.stat(follow_symlinks=False)
                digest.update(
                    f"{entry.path}\0{about.st_size}\0{about.st_mtime_ns}\n".encode("utf-8", "surrogateescape")
                )
                size += about.st_size
                files += 1
                if files > MAX_FILES:
                    raise invalid(f"The code directory {directory} holds more than {MAX_FILES} files.")
    return base64.b64encode(digest.digest()).decode(), size


def _check(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_FILES:
        raise invalid(f"The deployment package holds more than {MAX_FILES} files.")
    if sum(member.file_size for member in members) > MAX_UNZIPPED:
        raise invalid(f"Unzipped size must be smaller than {MAX_UNZIPPED} bytes")
    for member in members:
        name = PurePosixPath(member.filename)
        mode = member.external_attr >> 16
        if name.is_absolute() or ".." in name.parts or "\\" in member.filename or "\0" in member.filename:
            raise invalid(f"The deployment package names a file outside itself: {member.filename[:256]}")
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise invalid(f"Stratus takes no links and no devices in a deployment package: {member.filename[:256]}")


def _extract(package: zipfile.ZipFile, target: Path) -> None:
    _make_directory(target)
    written = 0
    for member in package.infolist():
        path = target / member.filename
        if member.is_dir():
            _make_directory(path)
            continue
        _make_directory(path.parent)
        with package.open(member) as source, open(path, "xb") as file:
            while piece := source.read(1 << 20):
                written += len(piece)
                if written > MAX_UNZIPPED:  # the directory of the archive may lie
                    raise invalid(f"Unzipped size must be smaller than {MAX_UNZIPPED} bytes")
                file.write(piece)
        path.chmod(0o755 if member.external_attr >> 16 & 0o111 else 0o644)


def _make_directory(path: Path) -> None:
    """A directory that the function's user can enter, whatever the server's umask."""
    if not path.is_dir():
        _make_directory(path.parent)
        path.mkdir()
        path.chmod(0o755)


def remove_unused(directory: Path, used: Collection[str]) -> None:
    """Deletes the packages beneath `directory` that no function runs any more, and those that were never finished. Blocks."""
    for package in directory.iterdir():
        if os.fspath(package) not in used:
            shutil.rmtree(package, ignore_errors=True)


def _sync(root: Path) -> None:
    for folder, _, files in os.walk(root):
        for name in files:
            _sync_directory(Path(folder, name))
        _sync_directory(Path(folder))


def _sync_directory(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValueException", message)


async def read_body(body: bytes | FileRange | AsyncIterator[bytes]) -> bytes:
    """A package out of S3, whole. Raises InvalidParameterValueException past the size of an unpacked one."""
    if isinstance(body, FileRange):
        if body.stop - body.start > MAX_UNZIPPED:
            raise invalid(f"Unzipped size must be smaller than {MAX_UNZIPPED} bytes")
        return await asyncio.get_running_loop().run_in_executor(None, _read_range, body)
    pieces = [body] if isinstance(body, bytes) else []
    if not isinstance(body, bytes):
        size = 0
        async for piece in body:
            size += len(piece)
            if size > MAX_UNZIPPED:
                raise invalid(f"Unzipped size must be smaller than {MAX_UNZIPPED} bytes")
            pieces.append(piece)
    return b"".join(pieces)


def _read_range(body: FileRange) -> bytes:
    with open(body.path, "rb") as file:
        file.seek(body.start)
        return file.read(body.stop - body.start)
