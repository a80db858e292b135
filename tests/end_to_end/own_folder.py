"""Two users at random on one bucket, through every call there is: what each may see and change, checked after each answer."""

import json
import random
import urllib.parse
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from botocore.exceptions import ClientError

from tests.end_to_end.conftest import Person, TodoList

REFUSED = {"AccessDenied", "403"}
MISSING = {
    "NoSuchKey",
    "404",
    "NoSuchVersion",
    "NoSuchUpload",
    "MethodNotAllowed",
    "405",
    "InvalidPart",
    "EntityTooSmall",
}


class Leak(AssertionError):  # noqa: N818 - named for what happened
    """Somebody saw, or changed, what is not theirs; or was kept from what is."""


@dataclass
class Actor:
    """A person, what is in their folder by our own book-keeping, and the word that marks their bytes."""

    person: Person
    marker: bytes
    objects: dict[str, bytes] = field(default_factory=dict)
    versions: list[tuple[str, str]] = field(default_factory=list)

    @property
    def folder(self) -> str:
        return self.person.folder

    def owns(self, key: str) -> bool:
        return key.startswith(self.folder)


class Rampage:
    """Random operations by two users; `run` raises Leak at the first thing that is wrong."""

    def __init__(self, todolist: TodoList, seed: int) -> None:
        self.random = random.Random(seed)
        self.bucket = todolist.outputs["FilesBucket"]
        self.admin = todolist.cloud.client("s3")
        self.actors = [Actor(todolist.new_person(), f"<marker {name}>".encode()) for name in ("ann", "bob")]
        self.forbidden = b"<marker nobody>"
        self.counts: Counter[str] = Counter()
        self.calls: list[Callable[[Actor, str, bool], bool]] = [
            self.put, self.get, self.ranged, self.head, self.delete, self.multi_delete, self.copy_in, self.copy_out,
            self.list_v2, self.list_v1, self.list_versions, self.get_version, self.presigned_get, self.presigned_put,
            self.multipart, self.part_copy, self.list_uploads, self.settings, self.tagging, self.attributes,
        ]  # fmt: skip
        weights = {self.put: 6, self.get: 6, self.head: 3, self.ranged: 2, self.list_v2: 3, self.delete: 2}
        self.weights = [weights.get(call, 1) for call in self.calls]
        self._plant()

    def _plant(self) -> None:
        """What belongs to neither: at the root, in `private/` itself, and beside each folder."""
        self.planted = ["readme", "private/", "private/x", "public/a"]
        for actor in self.actors:
            identity = actor.folder.removesuffix("/")
            self.planted += [identity, identity + "x/secret", identity + "%2f/secret", identity.upper() + "/secret"]
        for key in self.planted:
            self.admin.put_object(Bucket=self.bucket, Key=key, Body=self.forbidden)

    def run(self, operations: int) -> None:
        for _ in range(operations):
            me, other = self.random.sample(self.actors, 2)
            mine = self.random.random() < 0.6
            key = self._own_key(me) if mine else self._foreign_key(me, other)
            call = self.random.choices(self.calls, self.weights)[0]
            succeeded = call(me, key, me.owns(key))
            self.counts["tried"] += 1
            self.counts["legitimate"] += succeeded
        self._audit()

    # --- keys ---

    def _own_key(self, me: Actor) -> str:
        name = self.random.choice(
            ["a", "b", "c", "ü/ö", "d e+f", "..", "../" + self._stem(), "%2e%2e/x", "l\nf", "x?y#z", "'\"<&"]
        )
        return me.folder + name + str(self.random.randrange(4))

    def _foreign_key(self, me: Actor, other: Actor) -> str:
        stem, mine = other.folder, me.folder.removesuffix("/")
        choices = [
            self._random_of(other) or stem + "a0", stem + "a1", stem, stem + "../" + me.folder + "a", mine, mine + "x/secret",
            mine + "%2f/secret", mine + "\n/a", "private/" + "*", "private/?/a", "private//" + stem, "/" + me.folder + "a",
            mine.upper() + "/secret", mine.replace("-", "–") + "/a", mine + "\uff0fa", " " + me.folder + "a",
            "private/${cognito-identity.amazonaws.com:sub}/a", "./" + me.folder + "a", *self.planted,
        ]  # fmt: skip
        return self.random.choice(choices)

    def _stem(self) -> str:
        return self.random.choice(self.actors).folder + "a"

    def _random_of(self, actor: Actor) -> str | None:
        return self.random.choice(sorted(actor.objects)) if actor.objects else None

    # --- what each answer must be ---

    def _attempt(self, me: Actor, allowed: bool, attempt: Callable[[], Any], what: str) -> Any:
        """The answer, or None when it was refused; anything in it that is another's is a leak."""
        try:
            answer = attempt()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if not allowed and code not in REFUSED | {"InvalidRequest"}:
                raise Leak(f"{what}: refused, but as {code}, which tells what is there") from error
            if allowed and code not in MISSING | REFUSED:
                raise
            if allowed and code in REFUSED and what not in MAY_BE_HIDDEN:
                raise Leak(f"{what}: refused in one's own folder: {error}") from error
            self._search(me, json.dumps(error.response, default=str).encode(), what)
            return None
        if not allowed:
            raise Leak(f"{what}: allowed outside of one's own folder")
        return answer

    def _search(self, me: Actor, data: bytes, what: str) -> None:
        for marker in [self.forbidden, *(actor.marker for actor in self.actors if actor is not me)]:
            if marker in data:
                raise Leak(f"{what}: shows another's bytes")

    def _seen(self, me: Actor, key: str, data: bytes, what: str) -> None:
        self._search(me, data, what)
        if me.objects.get(key) != data:
            raise Leak(f"{what}: {key!r} is {data!r}, not {me.objects.get(key)!r}")

    def _body(self, me: Actor) -> bytes:
        return me.marker + self.random.randbytes(self.random.choice([0, 10, 3000]))

    # --- every call there is ---

    def put(self, me: Actor, key: str, allowed: bool) -> bool:
        body = self._body(me)
        more = self.random.choice([{}, {"ChecksumAlgorithm": "SHA256"}, {"Metadata": {"a": "b"}}])
        answer = self._attempt(
            me, allowed, lambda: me.person.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **more), "PutObject"
        )
        if answer:
            me.objects[key] = body
            me.versions.append((key, answer["VersionId"]))
        return bool(answer)

    def get(self, me: Actor, key: str, allowed: bool) -> bool:
        answer = self._attempt(me, allowed, lambda: me.person.s3.get_object(Bucket=self.bucket, Key=key), "GetObject")
        if answer:
            self._seen(me, key, answer["Body"].read(), "GetObject")
        elif allowed and key in me.objects:
            raise Leak(f"GetObject: {key!r} is gone")
        return bool(answer)

    def ranged(self, me: Actor, key: str, allowed: bool) -> bool:
        answer = self._attempt(
            me,
            allowed,
            lambda: me.person.s3.get_object(Bucket=self.bucket, Key=key, Range="bytes=0-3"),
            "GetObject range",
        )
        if answer and answer["Body"].read() != me.objects[key][:4]:
            raise Leak("GetObject range: other bytes")
        return bool(answer)

    def head(self, me: Actor, key: str, allowed: bool) -> bool:
        answer = self._attempt(me, allowed, lambda: me.person.s3.head_object(Bucket=self.bucket, Key=key), "HeadObject")
        return bool(answer)

    def delete(self, me: Actor, key: str, allowed: bool) -> bool:
        answer = self._attempt(
            me, allowed, lambda: me.person.s3.delete_object(Bucket=self.bucket, Key=key), "DeleteObject"
        )
        if answer:
            me.objects.pop(key, None)
        return bool(answer)

    def multi_delete(self, me: Actor, key: str, allowed: bool) -> bool:
        own = self._own_key(me)
        answer = me.person.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": own}, {"Key": key}]})
        deleted = {item["Key"] for item in answer.get("Deleted", [])}
        if own not in deleted or (key in deleted) != allowed:
            raise Leak(f"DeleteObjects: {deleted} of {own!r} and {key!r}")
        for gone in deleted:
            me.objects.pop(gone, None)
        return True

    def copy_in(self, me: Actor, key: str, allowed: bool) -> bool:
        """From `key` to one's own folder: reads `key`."""
        target = self._own_key(me)
        answer = self._attempt(
            me, allowed, lambda: me.person.s3.copy_object(
                Bucket=self.bucket, Key=target, CopySource={"Bucket": self.bucket, "Key": key}, Metadata={"c": "d"}, MetadataDirective="REPLACE",
            ), "CopyObject from",
        )  # fmt: skip
        if answer:
            me.objects[target] = me.objects[key]
        return bool(answer)

    def copy_out(self, me: Actor, key: str, allowed: bool) -> bool:
        """From one's own folder to `key`: writes `key`."""
        source = self._random_of(me)
        if source is None:
            return False
        answer = self._attempt(
            me, allowed, lambda: me.person.s3.copy_object(
                Bucket=self.bucket, Key=key, CopySource={"Bucket": self.bucket, "Key": source}, Metadata={"c": "d"}, MetadataDirective="REPLACE",
            ), "CopyObject to",
        )  # fmt: skip
        if answer:
            me.objects[key] = me.objects[source]
        return bool(answer)

    def _listing(self, me: Actor, allowed: bool, attempt: Callable[[], Any], what: str) -> bool:
        answer = self._attempt(me, allowed, attempt, what)
        for item in (answer or {}).get("Contents", []):
            key = urllib.parse.unquote_plus(item["Key"]) if (answer or {}).get("EncodingType") else item["Key"]
            if not me.owns(key):
                raise Leak(f"{what}: lists {key!r}")
        return bool(answer)

    def _prefix(self, me: Actor, allowed: bool) -> str | None:
        other = next(actor for actor in self.actors if actor is not me)
        if allowed:
            return self.random.choice([me.folder, me.folder + "a", me.folder + "ü"])
        return self.random.choice(
            [None, "", "private/", other.folder, me.folder.removesuffix("/"), "*", me.folder.upper()]
        )

    def list_v2(self, me: Actor, key: str, allowed: bool) -> bool:
        prefix = self._prefix(me, allowed)
        more = {} if prefix is None else {"Prefix": prefix}
        return self._listing(
            me, allowed, lambda: me.person.s3.list_objects_v2(Bucket=self.bucket, **more), "ListObjectsV2"
        )

    def list_v1(self, me: Actor, key: str, allowed: bool) -> bool:
        prefix = self._prefix(me, allowed)
        more = {} if prefix is None else {"Prefix": prefix}
        return self._listing(me, allowed, lambda: me.person.s3.list_objects(Bucket=self.bucket, **more), "ListObjects")

    def list_versions(self, me: Actor, key: str, allowed: bool) -> bool:
        """Not granted to anybody."""
        self._attempt(
            me,
            False,
            lambda: me.person.s3.list_object_versions(Bucket=self.bucket, Prefix=me.folder),
            "ListObjectVersions",
        )
        return False

    def get_version(self, me: Actor, key: str, allowed: bool) -> bool:
        """Old versions take s3:GetObjectVersion, which nobody was granted."""
        versions = me.versions or [(key, "null")]
        wanted, version = self.random.choice(versions)
        self._attempt(
            me,
            False,
            lambda: me.person.s3.get_object(Bucket=self.bucket, Key=wanted, VersionId=version),
            "GetObjectVersion",
        )
        return False

    def presigned_get(self, me: Actor, key: str, allowed: bool) -> bool:
        url = me.person.s3.generate_presigned_url(
            "get_object", Params={"Bucket": self.bucket, "Key": key}, ExpiresIn=60
        )
        answer = httpx.get(url)
        self._search(me, answer.content, "presigned GET")
        if answer.status_code == 200:
            if not allowed:
                raise Leak(f"presigned GET of {key!r}")
            self._seen(me, key, answer.content, "presigned GET")
        elif not allowed and answer.status_code != 403:
            raise Leak(f"presigned GET of {key!r}: {answer.status_code}")
        return answer.status_code == 200

    def presigned_put(self, me: Actor, key: str, allowed: bool) -> bool:
        if _has_dot_segments(key):
            return False
        body = self._body(me)
        url = me.person.s3.generate_presigned_url(
            "put_object", Params={"Bucket": self.bucket, "Key": key}, ExpiresIn=60
        )
        answer = httpx.put(url, content=body)
        if (answer.status_code == 200) != allowed:
            raise Leak(f"presigned PUT of {key!r}: {answer.status_code} {answer.text}")
        if allowed:
            me.objects[key] = body
        return allowed

    def multipart(self, me: Actor, key: str, allowed: bool) -> bool:
        s3, body = me.person.s3, self._body(me)
        made = self._attempt(
            me, allowed, lambda: s3.create_multipart_upload(Bucket=self.bucket, Key=key), "CreateMultipartUpload"
        )
        if not made:
            return False
        upload = {"Bucket": self.bucket, "Key": key, "UploadId": made["UploadId"]}
        part = s3.upload_part(**upload, PartNumber=1, Body=body)
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
        me.objects[key] = body
        return True

    def part_copy(self, me: Actor, key: str, allowed: bool) -> bool:
        """A part copied from `key` into an upload of one's own."""
        s3, target = me.person.s3, self._own_key(me)
        upload = {"Bucket": self.bucket, "Key": target}
        upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
        source = {"Bucket": self.bucket, "Key": key}
        part = self._attempt(
            me, allowed, lambda: s3.upload_part_copy(**upload, PartNumber=1, CopySource=source), "UploadPartCopy"
        )
        if not part:
            return False
        etag = part["CopyPartResult"]["ETag"]
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
        me.objects[target] = me.objects[key]
        return True

    def list_uploads(self, me: Actor, key: str, allowed: bool) -> bool:
        self._attempt(
            me, False, lambda: me.person.s3.list_multipart_uploads(Bucket=self.bucket), "ListMultipartUploads"
        )
        return False

    def settings(self, me: Actor, key: str, allowed: bool) -> bool:
        """Nothing of the bucket's own is anybody's business."""
        name = self.random.choice(
            ["get_bucket_policy", "get_bucket_versioning", "get_bucket_cors", "delete_bucket_policy", "delete_bucket",
             "get_bucket_location", "get_public_access_block", "delete_public_access_block", "get_bucket_lifecycle_configuration"]
        )  # fmt: skip
        self._attempt(me, False, lambda: getattr(me.person.s3, name)(Bucket=self.bucket), name)
        return False

    def tagging(self, me: Actor, key: str, allowed: bool) -> bool:
        tags = {"TagSet": [{"Key": "k", "Value": "v"}]}
        self._attempt(
            me,
            False,
            lambda: me.person.s3.put_object_tagging(Bucket=self.bucket, Key=key, Tagging=tags),
            "PutObjectTagging",
        )
        return False

    def attributes(self, me: Actor, key: str, allowed: bool) -> bool:
        answer = self._attempt(
            me, allowed, lambda: me.person.s3.get_object_attributes(Bucket=self.bucket, Key=key, ObjectAttributes=["ObjectSize"]),
            "GetObjectAttributes",
        )  # fmt: skip
        return bool(answer)

    # --- the end ---

    def _audit(self) -> None:
        """As the administrator: every byte in the bucket is where and what the book-keeping says."""
        found: dict[str, bytes] = {}
        for page in self.admin.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for item in page.get("Contents", []):
                found[item["Key"]] = self.admin.get_object(Bucket=self.bucket, Key=item["Key"])["Body"].read()
        expected = dict.fromkeys(self.planted, self.forbidden)
        for actor in self.actors:
            expected |= actor.objects
        mine = {
            key: body
            for key, body in found.items()
            if any(actor.owns(key) for actor in self.actors) or key in self.planted
        }
        if mine != expected:
            raise Leak(f"the bucket differs: {sorted(mine.keys() ^ expected.keys())}")


def _has_dot_segments(key: str) -> bool:
    """What HTTP clients take out of a URL by themselves, so that no presigned URL reaches it."""
    return bool({".", ".."} & set(key.split("/")))


MAY_BE_HIDDEN = {
    "GetObject",
    "GetObject range",
    "HeadObject",
    "CopyObject from",
    "UploadPartCopy",
    "GetObjectAttributes",
}
"""Reads of what is not there: who may not list the whole bucket is told 403, as S3 documents it."""
