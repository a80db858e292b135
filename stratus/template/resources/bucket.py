"""AWS::S3::Bucket."""

from collections.abc import Mapping
from typing import Any

from stratus.template.resource import Made, Properties, ResourceType, Site, changed

_PUBLIC_ACCESS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_ENCRYPTION_NAMES = {
    "ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault",
    "BucketKeyEnabled": "BucketKeyEnabled",
}
_CORS_NAMES = {"ExposedHeaders": "ExposeHeaders", "Id": "ID", "MaxAge": "MaxAgeSeconds"}


class Bucket(ResourceType):
    type = "AWS::S3::Bucket"
    name_property = "BucketName"

    def name(self, site: Site, logical_id: str, properties: Properties) -> str:
        return str(properties.get("BucketName") or site.generated_name(logical_id, 63).lower())

    async def exists(self, site: Site, name: str) -> bool:
        return await site.call_if_there("s3", "GetBucketVersioning", Bucket=name) is not None

    async def create(self, site: Site, name: str, properties: Properties) -> Made:
        place = None if site.region == "us-east-1" else {"LocationConstraint": site.region}
        await site.call("s3", "CreateBucket", Bucket=name, CreateBucketConfiguration=place)
        await _configure(site, name, {}, properties)
        return _made(site, name)

    async def update(self, site: Site, physical_id: str, old: Properties, new: Properties) -> Made:
        await _configure(site, physical_id, old, new)
        return _made(site, physical_id)

    async def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        await site.call_if_there("s3", "DeleteBucket", Bucket=physical_id)

    async def erase(self, site: Site, physical_id: str, properties: Properties) -> None:
        while page := await site.call_if_there("s3", "ListObjectVersions", Bucket=physical_id, MaxKeys=1000):
            entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if not entries:
                break
            doomed = {
                "Objects": [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in entries],
                "Quiet": True,
            }
            await site.call("s3", "DeleteObjects", Bucket=physical_id, Delete=doomed)
        await self.delete(site, physical_id, properties)


def _made(site: Site, name: str) -> Made:
    return Made(
        name,
        {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{site.region}.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{site.region}.amazonaws.com",
        },
    )


async def _configure(site: Site, name: str, old: Properties, new: Properties) -> None:
    different = changed(old, new)
    if "OwnershipControls" in different:
        await _put_or_delete(site, name, "BucketOwnershipControls", "OwnershipControls", new.get("OwnershipControls"))
    if "PublicAccessBlockConfiguration" in different:
        block = new.get("PublicAccessBlockConfiguration")
        # What a template leaves out of the block is off.
        whole = None if block is None else {each: bool(block.get(each, False)) for each in _PUBLIC_ACCESS}
        await _put_or_delete(site, name, "PublicAccessBlock", "PublicAccessBlockConfiguration", whole)
    if "BucketEncryption" in different:
        await _put_or_delete(site, name, "BucketEncryption", "ServerSideEncryptionConfiguration", _encryption(new))
    if "VersioningConfiguration" in different:
        status = new.get("VersioningConfiguration", {}).get("Status", "Suspended")
        await site.call("s3", "PutBucketVersioning", Bucket=name, VersioningConfiguration={"Status": status})
    if "CorsConfiguration" in different:
        await _put_or_delete(site, name, "BucketCors", "CORSConfiguration", _cors(new))
    if "LifecycleConfiguration" in different:
        await _put_lifecycle(site, name, _lifecycle(new))


async def _put_or_delete(site: Site, name: str, what: str, member: str, value: Mapping[str, Any] | None) -> None:
    if value is None:
        await site.call("s3", f"Delete{what}", Bucket=name)
    else:
        await site.call("s3", f"Put{what}", Bucket=name, **{member: value})


async def _put_lifecycle(site: Site, name: str, configuration: Mapping[str, Any] | None) -> None:
    if configuration is None:
        await site.call("s3", "DeleteBucketLifecycle", Bucket=name)
    else:
        await site.call("s3", "PutBucketLifecycleConfiguration", Bucket=name, LifecycleConfiguration=configuration)


def _encryption(properties: Properties) -> dict[str, Any] | None:
    if "BucketEncryption" not in properties:
        return None
    rules = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    return {"Rules": [{api: rule[name] for name, api in _ENCRYPTION_NAMES.items() if name in rule} for rule in rules]}


def _cors(properties: Properties) -> dict[str, Any] | None:
    if "CorsConfiguration" not in properties:
        return None
    rules = properties["CorsConfiguration"]["CorsRules"]
    return {"CORSRules": [{_CORS_NAMES.get(name, name): value for name, value in rule.items()} for rule in rules]}


def _lifecycle(properties: Properties) -> dict[str, Any] | None:
    """CloudFormation's rules in the shape of the S3 API."""
    rules = [_lifecycle_rule(rule) for rule in properties.get("LifecycleConfiguration", {}).get("Rules", [])]
    # A rule that only moves objects between storage classes leaves nothing to do.
    rules = [rule for rule in rules if rule.keys() - {"ID", "Status", "Filter"}]
    return {"Rules": rules} if rules else None


def _lifecycle_rule(rule: Properties) -> dict[str, Any]:
    wanted: dict[str, Any] = {"Status": rule["Status"], "Filter": _filter(rule)}
    if "Id" in rule:
        wanted["ID"] = rule["Id"]
    expiration = {
        api: rule[name]
        for name, api in (
            ("ExpirationInDays", "Days"),
            ("ExpirationDate", "Date"),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
        )
        if name in rule
    }
    if expiration:
        wanted["Expiration"] = expiration
    if "NoncurrentVersionExpirationInDays" in rule:
        wanted["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            wanted[name] = rule[name]
    return wanted


def _filter(rule: Properties) -> dict[str, Any]:
    conditions: dict[str, Any] = {}
    if "Prefix" in rule:
        conditions["Prefix"] = rule["Prefix"]
    for name in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if name in rule:
            conditions[name] = int(rule[name])
    tags = rule.get("TagFilters", [])
    if len(conditions) + len(tags) <= 1:
        return conditions or ({"Tag": tags[0]} if tags else {"Prefix": ""})
    return {"And": conditions | ({"Tags": tags} if tags else {})}
