"""Lifecycle rules: what S3 deletes by itself, and when.

Times follow the S3 User Guide, "Setting lifecycle configuration": days are added to the moment an object was made (or became
noncurrent, or an upload began), and the result is rounded up to the next midnight UTC. A `Date` is a midnight UTC, and holds from
then on. Transitions to other storage classes are refused by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stratus.services.s3.errors import invalid_argument, invalid_request, malformed_xml, need, refused

DAY = 86_400
MAX_RULES = 1000


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a bucket's lifecycle configuration; times in seconds since the epoch."""

    id: str
    enabled: bool
    prefix: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    larger_than: int | None = None
    smaller_than: int | None = None
    days: int | None = None
    date: int | None = None
    expired_markers: bool = False
    noncurrent_days: int | None = None
    newer_noncurrent: int = 0
    abort_days: int | None = None

    def covers(self, key: str, tags: Mapping[str, str], size: int) -> bool:
        return (
            self.enabled
            and key.startswith(self.prefix)
            and self.tags.items() <= tags.items()
            and (self.larger_than is None or size > self.larger_than)
            and (self.smaller_than is None or size < self.smaller_than)
        )

    def covers_marker(self, key: str) -> bool:
        """Delete markers have neither tags nor size: a rule that asks for these does not touch them."""
        filtered = self.tags or self.larger_than is not None or self.smaller_than is not None
        return self.enabled and not filtered and key.startswith(self.prefix)

    def expires(self, made: int) -> int | None:
        """When a current version that was made at `made` expires."""
        if self.days is not None:
            return midnight_after(made, self.days)
        return self.date


def midnight_after(moment: int, days: int) -> int:
    """The first midnight UTC later than `days` after `moment`."""
    return (moment // DAY + days + 1) * DAY


def expiration(rules: list[Rule], key: str, tags: Mapping[str, str], size: int, made: int) -> tuple[int, str] | None:
    """When an object expires and by which rule: the earliest, if any does."""
    due = [
        (when, rule.id) for rule in rules if rule.covers(key, tags, size) and (when := rule.expires(made)) is not None
    ]
    return min(due, default=None)


def abortion(rules: list[Rule], key: str, started: int) -> tuple[int, str] | None:
    """When an upload that is not completed will be aborted and by which rule."""
    due = [
        (midnight_after(started, rule.abort_days), rule.id)
        for rule in rules
        if rule.abort_days is not None and rule.covers(key, {}, 0)
    ]
    return min(due, default=None)


def check(configuration: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The rules of a PutBucketLifecycleConfiguration, in the API's shape, ready to be stored as JSON.

    Raises MalformedXML, InvalidArgument, InvalidRequest, or NotImplemented for transitions.
    """
    given = need(configuration, "Rules")["Rules"]
    if not 1 <= len(given) <= MAX_RULES:
        raise malformed_xml()
    stored = [_checked(rule, number) for number, rule in enumerate(given)]
    ids = [rule["ID"] for rule in stored]
    if len(set(ids)) != len(ids):
        repeated = next(one for one in ids if ids.count(one) > 1)
        raise invalid_argument("Rule ID must be unique. Found same ID for more than one rule", "ID", repeated)
    return stored


def read_rules(stored: list[dict[str, Any]]) -> list[Rule]:
    """The rules as `check` has passed them."""
    return [_read(rule) for rule in stored]


def shown(stored: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rules as GetBucketLifecycleConfiguration gives them."""
    rules = []
    for rule in stored:
        expiration = rule.get("Expiration")
        if expiration and "Date" in expiration:
            rule = {**rule, "Expiration": {**expiration, "Date": datetime.fromisoformat(expiration["Date"])}}
        rules.append(rule)
    return rules


def _checked(rule: dict[str, Any], number: int) -> dict[str, Any]:
    if rule.get("Transitions") or rule.get("NoncurrentVersionTransitions"):
        raise refused("lifecycle transitions (there is one storage class); remove Transitions from the rule")
    identifier = rule.get("ID") or f"rule-{number + 1}"
    if len(identifier) > 255:
        raise invalid_argument("ID length should not exceed allowed limit of 255", "ID", identifier)
    if rule.get("Status") not in ("Enabled", "Disabled") or ("Filter" in rule) == ("Prefix" in rule):
        raise malformed_xml()
    actions = ("Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
    if not any(rule.get(action) for action in actions):
        raise invalid_request("At least one action needs to be specified in a rule.")
    stored = {**rule, "ID": identifier}
    if expiration := rule.get("Expiration"):
        stored["Expiration"] = _checked_expiration(expiration)
    _check_noncurrent(rule.get("NoncurrentVersionExpiration"))
    if abort := rule.get("AbortIncompleteMultipartUpload"):
        _positive(
            need(abort, "DaysAfterInitiation")["DaysAfterInitiation"],
            "DaysAfterInitiation",
            "AbortIncompleteMultipartUpload action",
        )
    _check_filter(rule)
    parsed = _read(stored)
    filtered_by_object = parsed.tags or parsed.larger_than is not None or parsed.smaller_than is not None
    if parsed.tags and parsed.expired_markers:
        raise invalid_request("ExpiredObjectDeleteMarker cannot be specified with Tags.")
    if filtered_by_object and parsed.abort_days is not None:
        raise invalid_request("AbortIncompleteMultipartUpload cannot be specified with Tags or object size.")
    return stored


def _checked_expiration(expiration: dict[str, Any]) -> dict[str, Any]:
    given = [name for name in ("Days", "Date", "ExpiredObjectDeleteMarker") if expiration.get(name) is not None]
    if len(given) != 1:
        raise malformed_xml()
    if "Days" in given:
        _positive(expiration["Days"], "Days", "Expiration action")
    if "Date" not in given:
        return expiration
    date: datetime = expiration["Date"]
    date = (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    if date.timestamp() % DAY:
        raise invalid_argument("'Date' must be at midnight GMT", "Date", date.isoformat())
    return {**expiration, "Date": date.isoformat()}


def _check_noncurrent(action: dict[str, Any] | None) -> None:
    if not action:
        return
    _positive(need(action, "NoncurrentDays")["NoncurrentDays"], "NoncurrentDays", "NoncurrentVersionExpiration action")
    kept = action.get("NewerNoncurrentVersions")
    if kept is not None and not 1 <= kept <= 100:
        message = (
            "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be an integer between 1 and 100"
        )
        raise invalid_argument(message, "NewerNoncurrentVersions", kept)


def _check_filter(rule: dict[str, Any]) -> None:
    chosen = rule.get("Filter") or {}
    if len([value for value in chosen.values() if value is not None]) > 1:
        raise malformed_xml()
    both = chosen.get("And") or chosen
    tags = [need(tag, "Key", "Value") for tag in [*both.get("Tags", []), *([both["Tag"]] if both.get("Tag") else [])]]
    if len({tag["Key"] for tag in tags}) != len(tags):
        raise invalid_request("Duplicate Tag Keys are not allowed.")
    larger, smaller = both.get("ObjectSizeGreaterThan"), both.get("ObjectSizeLessThan")
    if (larger is not None and larger < 0) or (smaller is not None and smaller < 1):
        raise invalid_request("'ObjectSizeGreaterThan' and 'ObjectSizeLessThan' should be a positive integer")
    if larger is not None and smaller is not None and smaller <= larger + 1:
        raise invalid_request("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'")


def _read(rule: dict[str, Any]) -> Rule:
    chosen = rule.get("Filter") or {}
    both = chosen.get("And") or chosen
    tags = [*both.get("Tags", []), *([both["Tag"]] if both.get("Tag") else [])]
    expiration = rule.get("Expiration") or {}
    noncurrent = rule.get("NoncurrentVersionExpiration") or {}
    date = expiration.get("Date")
    return Rule(
        id=rule["ID"],
        enabled=rule["Status"] == "Enabled",
        prefix=rule.get("Prefix") or both.get("Prefix") or "",
        tags={tag["Key"]: tag["Value"] for tag in tags},
        larger_than=both.get("ObjectSizeGreaterThan"),
        smaller_than=both.get("ObjectSizeLessThan"),
        days=expiration.get("Days"),
        date=None if date is None else int(datetime.fromisoformat(date).timestamp()),
        expired_markers=bool(expiration.get("ExpiredObjectDeleteMarker")),
        noncurrent_days=noncurrent.get("NoncurrentDays"),
        newer_noncurrent=noncurrent.get("NewerNoncurrentVersions") or 0,
        abort_days=(rule.get("AbortIncompleteMultipartUpload") or {}).get("DaysAfterInitiation"),
    )


def _positive(value: int, name: str, action: str) -> None:
    if value < 1:
        raise invalid_argument(f"'{name}' for {action} must be a positive integer", name, value)
