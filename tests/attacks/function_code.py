"""Code as Lambda takes it."""

import io
import zipfile


def zipped(source: str, name: str = "app.py") -> bytes:
    """A deployment package with one file."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(name, source)
    return package.getvalue()
