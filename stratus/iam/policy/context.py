"""The request context that conditions and policy variables read."""

from collections.abc import Callable

from stratus.iam.principal import ContextValues


class Context:
    """Condition keys of one request, looked up without regard to case; of several sources the later one wins.

    The sources are merged at the first look-up only: most decisions need no condition key at all. A source that is costly to
    make is given as a function.
    """

    __slots__ = ("_merged", "_sources")

    def __init__(self, *sources: ContextValues | Callable[[], ContextValues]) -> None:
        self._sources = sources
        self._merged: dict[str, tuple[str, ...]] | None = None

    @property
    def was_read(self) -> bool:
        """Whether anybody looked a key up; a decision for which nobody did depends on no key."""
        return self._merged is not None

    def values(self, key: str) -> tuple[str, ...] | None:
        """The values of `key` (lower case); None when the request does not have it, which is not the same as having no values."""
        merged = self._merged
        if merged is None:
            merged = {}
            for source in self._sources:
                for name, values in (source() if callable(source) else source).items():
                    merged[name.lower()] = values
            self._merged = merged
        return merged.get(key)

    def single(self, key: str) -> str | None:
        """The value of `key` where it has exactly one: only such keys can stand in a policy variable."""
        values = self.values(key)
        return values[0] if values is not None and len(values) == 1 else None
