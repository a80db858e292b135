"""Code as Lambda takes it."""

import io
import stat
import zipfile


def zipped(source: str, name: str = "app.py") -> bytes:
    """A deployment package with one file."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(name, source)
    return package.getvalue()


def zipped_link(name: str, target: str) -> bytes:
    """A deployment package with a symbolic link."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, target)
    return package.getvalue()
