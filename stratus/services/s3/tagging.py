"""Tags of objects and buckets, and their limits (S3 User Guide, "Categorizing your storage using tags")."""

import re
from typing import Any
from urllib.parse import parse_qsl

from stratus.services.s3.errors import invalid_argument, need
from stratus.wire.errors import AwsError

MAX_OBJECT_TAGS = 10
MAX_BUCKET_TAGS = 50
ALLOWED = re.compile(r"[\w\s+\-=.:/@]*")

Tags = dict[str, str]


def parse_header(header: str) -> Tags:
    """The tags of `x-amz-tagging` (`a=1&b=2`); raises InvalidArgument or InvalidTag."""
    try:
        pairs = parse_qsl(header, keep_blank_values=True, strict_parsing=bool(header), errors="strict")
    except ValueError:
        message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."
        raise invalid_argument(message, "x-amz-tagging", header) from None
    if len({key for key, _ in pairs}) != len(pairs):
        message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."
        raise invalid_argument(message, "x-amz-tagging", header)
    return checked(pairs, MAX_OBJECT_TAGS, "Object")


def parse_set(tagging: dict[str, Any] | None, limit: int, what: str) -> Tags:
    """The tags of a `Tagging` document; raises MalformedXML, InvalidTag or BadRequest."""
    given = need(tagging, "TagSet")["TagSet"]
    return checked([(tag["Key"], tag["Value"]) for tag in (need(tag, "Key", "Value") for tag in given)], limit, what)


def as_set(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def checked(pairs: list[tuple[str, str]], limit: int, what: str) -> Tags:
    if len(pairs) > limit:
        raise AwsError("BadRequest", f"{what} tags cannot be greater than {limit}", 400)
    tags: Tags = {}
    for key, value in pairs:
        if key in tags:
            raise _invalid("Cannot provide multiple Tags with the same key", key, value)
        if not 1 <= len(key) <= 128 or not ALLOWED.fullmatch(key):
            raise _invalid("The TagKey you have provided is invalid", key, value)
        if len(value) > 256 or not ALLOWED.fullmatch(value):
            raise _invalid("The TagValue you have provided is invalid", key, value)
        if key.lower().startswith("aws:"):
            raise _invalid("System tags cannot be added/updated by requester", key, value)
        tags[key] = value
    return tags


def _invalid(message: str, key: str, value: str) -> AwsError:
    return AwsError("InvalidTag", message, 400, members={"TagKey": key, "TagValue": value})
