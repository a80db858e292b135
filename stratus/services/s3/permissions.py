"""What a caller must be allowed for each operation: action, resource and S3's own condition keys.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3". A rule answers NoSuchBucket
before anything is authorised, as S3 does.
"""

from collections.abc import Iterable

from stratus.iam.principal import ContextValues
from stratus.service import Access, AccessRule, Call
from stratus.services.s3 import versions
from stratus.services.s3.base import S3Base
from stratus.services.s3.bucket import Bucket
from stratus.services.s3.copy_source import CopySource
from stratus.services.s3.keys import key_bytes
from stratus.services.s3.tagging import MAX_OBJECT_TAGS, Tags, parse_header, parse_set

HEADER_KEYS = {
    "ACL": "s3:x-amz-acl",
    "CopySource": "s3:x-amz-copy-source",
    "MetadataDirective": "s3:x-amz-metadata-directive",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "StorageClass": "s3:x-amz-storage-class",
    "VersionId": "s3:VersionId",
    "IfMatch": "s3:if-match",
    "IfNoneMatch": "s3:if-none-match",
    "ObjectOwnership": "s3:x-amz-object-ownership",
}
LISTING_KEYS = {"Prefix": "s3:prefix", "Delimiter": "s3:delimiter", "MaxKeys": "s3:max-keys"}


def on_bucket(action: str) -> AccessRule:
    def rule(service: S3Base, call: Call) -> Iterable[Access]:
        bucket = service.bucket(call)
        yield Access(action, bucket.arn, common(service, call))

    return rule


def on_listing(action: str) -> AccessRule:
    """Listings are guarded on the bucket, with what is listed as conditions."""

    def rule(service: S3Base, call: Call) -> Iterable[Access]:
        bucket = service.bucket(call)
        context = {key: (str(call.params[name]),) for name, key in LISTING_KEYS.items() if name in call.params}
        yield Access(action, bucket.arn, {**common(service, call), **context})

    return rule


def on_object(action: str, *, versioned: str | None = None, existing_tags: bool = True) -> AccessRule:
    """An action on one object; `versioned` is the action when a version is named."""

    def rule(service: S3Base, call: Call) -> Iterable[Access]:
        bucket = service.bucket(call)
        key, version_id = call.params["Key"], call.params.get("VersionId")
        context = common(service, call)
        if existing_tags:
            context = {**context, **tags_of(service, bucket, key, version_id)}
        yield Access(versioned if versioned and version_id else action, object_arn(bucket, key), context)

    return rule


def on_put(service: S3Base, call: Call) -> Iterable[Access]:
    """PutObject, CreateMultipartUpload: s3:PutObject, and s3:PutObjectTagging when tags come along."""
    bucket = service.bucket(call)
    resource = object_arn(bucket, call.params["Key"])
    context = common(service, call)
    tagging = call.params.get("Tagging")
    if tagging:
        context = {**context, **tag_keys(parse_header(tagging))}
    yield Access("s3:PutObject", resource, context)
    if tagging:
        yield Access("s3:PutObjectTagging", resource, context)


def on_copy(service: S3Base, call: Call) -> Iterable[Access]:
    """CopyObject, UploadPartCopy: s3:GetObject on the source (with its tags as they are), then what a put needs.

    Tags that go along need s3:GetObjectTagging and s3:PutObjectTagging.
    """
    source = CopySource.parse(call.params["CopySource"])
    yield from on_put(service, call)
    bucket = service.source_bucket(call, source)
    resource = object_arn(bucket, source.key)
    tags = tags_of(service, bucket, source.key, source.version_id)
    of_version = "Version" if source.version_id else ""
    yield Access(f"s3:GetObject{of_version}", resource, tags)
    if tags and call.operation == "CopyObject" and call.params.get("TaggingDirective") != "REPLACE":
        yield Access(f"s3:GetObject{of_version}Tagging", resource, tags)
        target = object_arn(service.bucket(call), call.params["Key"])
        yield Access("s3:PutObjectTagging", target, common(service, call))


def on_attributes(service: S3Base, call: Call) -> Iterable[Access]:
    """GetObjectAttributes needs two permissions."""
    bucket, key, version_id = service.bucket(call), call.params["Key"], call.params.get("VersionId")
    context = {**common(service, call), **tags_of(service, bucket, key, version_id)}
    of_version = "Version" if version_id else ""
    yield Access(f"s3:GetObject{of_version}", object_arn(bucket, key), context)
    yield Access(f"s3:GetObject{of_version}Attributes", object_arn(bucket, key), context)


def on_put_tagging(service: S3Base, call: Call) -> Iterable[Access]:
    bucket, key, version_id = service.bucket(call), call.params["Key"], call.params.get("VersionId")
    tags = parse_set(call.params.get("Tagging"), MAX_OBJECT_TAGS, "Object")
    context = {**common(service, call), **tags_of(service, bucket, key, version_id), **tag_keys(tags)}
    yield Access(
        "s3:PutObjectVersionTagging" if version_id else "s3:PutObjectTagging", object_arn(bucket, key), context
    )


def object_arn(bucket: Bucket, key: str) -> str:
    key_bytes(key)
    return f"{bucket.arn}/{key}"


def common(service: S3Base, call: Call) -> ContextValues:
    """The keys of nearly every S3 request; those of its signature (`s3:authType` ...) come with the authentication."""
    params = call.params
    sent = {key: (str(params[name]),) for name, key in HEADER_KEYS.items() if params.get(name) is not None}
    return {**sent, "s3:ResourceAccount": (service.account,)}


def tags_of(service: S3Base, bucket: Bucket, key: str, version_id: str | None) -> ContextValues:
    """`s3:ExistingObjectTag/<key>` of the object as it is stored now."""
    connection = service.database.reader
    stored = (
        versions.by_id(connection, bucket.id, key_bytes(key), version_id)
        if version_id
        else versions.current(connection, bucket.id, key_bytes(key))
    )
    return {f"s3:ExistingObjectTag/{name}": (value,) for name, value in stored.tags.items()} if stored else {}


def tag_keys(tags: Tags) -> ContextValues:
    return {f"s3:RequestObjectTag/{name}": (value,) for name, value in tags.items()} | {
        "s3:RequestObjectTagKeys": tuple(tags)
    }
