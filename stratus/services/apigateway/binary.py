"""Which bodies are binary: the API's binary media types against Content-Type and Accept."""

from collections.abc import Iterable
from fnmatch import fnmatchcase


class BinaryTypes:
    def __init__(self, types: Iterable[str]) -> None:
        self._types = tuple(each.lower().replace("~1", "/") for each in types)

    def has(self, header: str | None) -> bool:
        """Whether the first media type of a header's value is one of the binary ones; `*/*` is all of them."""
        if not self._types:
            return False
        if "*/*" in self._types:
            return True
        if not header:
            return False
        media = header.partition(",")[0].partition(";")[0].strip().lower()
        return any(fnmatchcase(media, pattern) for pattern in self._types)
