"""Values drawn at random for botocore's shapes: least (required members only) or as full as the depth allows."""

import random
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

TEXTS = ["a", "Zürich", "a b+c", "x/y:z", "a&b<c>", "ключ", "100%", "quote\"'", "a,b", "=?", "日本"]


class Drawn:
    def __init__(self, seed: int, *, least: bool = False) -> None:
        self.random = random.Random(seed)
        self.least = least

    def structure(self, shape: StructureShape | None, depth: int = 4) -> dict[str, Any]:
        if shape is None:
            return {}
        found = {}
        names = list(shape.members)
        if shape.is_tagged_union:
            names = [self.random.choice(names)]
        for name in names:
            member = shape.members[name]
            required = name in shape.required_members or shape.is_tagged_union
            if not required and (self.least or depth <= 1 or self.random.random() < 0.3):
                continue
            if member.serialization.get("eventstream") or getattr(member, "is_document_type", False):
                continue
            found[name] = self.value(member, depth - 1, member.serialization.get("location"))
        return found

    def value(self, shape: Shape, depth: int, location: str | None = None) -> Any:
        if isinstance(shape, StructureShape):
            return self.structure(shape, depth)
        if isinstance(shape, ListShape):
            count = 0 if depth <= -2 else self.random.randint(1, 2)
            return [self.value(shape.member, depth - 1, location) for _ in range(count)]
        if isinstance(shape, MapShape):
            count = 0 if depth <= -2 else self.random.randint(1, 2)
            return {f"key{number}": self.value(shape.value, depth - 1, location) for number in range(count)}
        return self.scalar(shape, location)

    def scalar(self, shape: Shape, location: str | None) -> Any:
        kind = shape.type_name
        if kind == "string":
            if getattr(shape, "enum", None):
                return self.random.choice(shape.enum)
            return (
                f"plain{self.random.randint(0, 99)}" if location in ("header", "headers") else self.random.choice(TEXTS)
            )
        if kind == "timestamp":
            return datetime.fromtimestamp(self.random.randint(0, 4_000_000_000), UTC)
        return {
            "integer": lambda: self.random.randint(-(2**31), 2**31 - 1),
            "long": lambda: self.random.randint(-(2**53), 2**53),
            "float": lambda: self.random.randint(-1000, 1000) / 8,
            "double": lambda: self.random.randint(-1000, 1000) / 8,
            "boolean": lambda: self.random.random() < 0.5,
            "blob": lambda: self.random.randbytes(self.random.randint(1, 9)),
        }[kind]()
