"""Who may reach a bucket: its policy, the public access block, object ownership, and ACLs, which are off."""

from typing import Any

from stratus.service import Call, Result, operation
from stratus.services.s3 import bucket_policy
from stratus.services.s3.base import S3Base
from stratus.services.s3.bucket import ALL_BLOCKED, Bucket
from stratus.services.s3.documents import document
from stratus.services.s3.errors import access_denied, malformed_xml, need, refused
from stratus.services.s3.operations.get_object import GetObject
from stratus.services.s3.permissions import on_bucket, on_object
from stratus.services.s3.public_policy import is_public
from stratus.wire.errors import AwsError


class BucketAccess(GetObject, S3Base):
    @operation("PutBucketPolicy", on_bucket("s3:PutBucketPolicy"))
    async def put_bucket_policy(self, call: Call) -> Result:
        bucket, text = self.bucket(call), _text(document(call, "Policy"))
        bucket_policy.check(text, bucket)
        if bucket.public_access_block.get("BlockPublicPolicy") and is_public(text):
            raise access_denied(
                f'User: {call.principal.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "{bucket.arn}" '
                "because public policies are blocked by the BlockPublicPolicy block public access setting."
            )
        await self.set(bucket, "Policy", text)
        return {"ResponseMetadata": {"HTTPStatusCode": 204}}

    @operation("GetBucketPolicy", on_bucket("s3:GetBucketPolicy"))
    async def get_bucket_policy(self, call: Call) -> Result:
        return {"Policy": _policy_of(self.bucket(call))}

    @operation("DeleteBucketPolicy", on_bucket("s3:DeleteBucketPolicy"))
    async def delete_bucket_policy(self, call: Call) -> Result:
        await self.set(self.bucket(call), "Policy", None)
        return {}

    @operation("GetBucketPolicyStatus", on_bucket("s3:GetBucketPolicyStatus"))
    async def get_bucket_policy_status(self, call: Call) -> Result:
        return {"PolicyStatus": {"IsPublic": is_public(_policy_of(self.bucket(call)))}}

    @operation("PutPublicAccessBlock", on_bucket("s3:PutBucketPublicAccessBlock"))
    async def put_public_access_block(self, call: Call) -> Result:
        given = document(call, "PublicAccessBlockConfiguration")
        if not given:
            raise AwsError("InvalidRequest", "Must specify at least one configuration.", 400)
        await self.set(self.bucket(call), "PublicAccessBlock", {name: bool(given.get(name)) for name in ALL_BLOCKED})
        return {}

    @operation("GetPublicAccessBlock", on_bucket("s3:GetBucketPublicAccessBlock"))
    async def get_public_access_block(self, call: Call) -> Result:
        bucket = self.bucket(call)
        if not bucket.public_access_block:
            message = "The public access block configuration was not found"
            raise _no_such("NoSuchPublicAccessBlockConfiguration", message, bucket)
        return {"PublicAccessBlockConfiguration": bucket.public_access_block}

    @operation("DeletePublicAccessBlock", on_bucket("s3:PutBucketPublicAccessBlock"))
    async def delete_public_access_block(self, call: Call) -> Result:
        await self.set(self.bucket(call), "PublicAccessBlock", None)
        return {}

    @operation("PutBucketOwnershipControls", on_bucket("s3:PutBucketOwnershipControls"))
    async def put_bucket_ownership_controls(self, call: Call) -> Result:
        """BucketOwnerEnforced is what every bucket has; nothing is left to store."""
        rules = need(document(call, "OwnershipControls"), "Rules")["Rules"]
        if len(rules) != 1:
            raise malformed_xml()
        ownership = need(rules[0], "ObjectOwnership")["ObjectOwnership"]
        if ownership in ("BucketOwnerPreferred", "ObjectWriter"):
            raise refused(f"Object Ownership {ownership} (ACLs); use BucketOwnerEnforced")
        if ownership != "BucketOwnerEnforced":
            raise malformed_xml()
        return {}

    @operation("GetBucketOwnershipControls", on_bucket("s3:GetBucketOwnershipControls"))
    async def get_bucket_ownership_controls(self, call: Call) -> Result:
        self.bucket(call)
        return {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}

    @operation("GetBucketAcl", on_bucket("s3:GetBucketAcl"))
    async def get_bucket_acl(self, call: Call) -> Result:
        return self._owners_acl()

    @operation("GetObjectAcl", on_object("s3:GetObjectAcl", versioned="s3:GetObjectVersionAcl"))
    async def get_object_acl(self, call: Call) -> Result:
        self.find(call, self.bucket(call), call.params["Key"], call.params.get("VersionId"))
        return self._owners_acl()

    @operation("PutBucketAcl", on_bucket("s3:PutBucketAcl"))
    async def put_bucket_acl(self, call: Call) -> Result:
        raise _acls_are_off()

    @operation("PutObjectAcl", on_object("s3:PutObjectAcl", versioned="s3:PutObjectVersionAcl"))
    async def put_object_acl(self, call: Call) -> Result:
        raise _acls_are_off()

    def _owners_acl(self) -> dict[str, Any]:
        owner = {"ID": self.canonical_id}
        grantee = {"Type": "CanonicalUser", **owner}
        return {"Owner": owner, "Grants": [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]}


def _text(policy: str | bytes) -> str:
    if isinstance(policy, str):
        return policy
    try:
        return policy.decode()
    except UnicodeDecodeError:
        message = "Policies must be valid JSON and the first byte must be '{'"
        raise AwsError("MalformedPolicy", message, 400) from None


def _policy_of(bucket: Bucket) -> str:
    if bucket.policy is None:
        raise _no_such("NoSuchBucketPolicy", "The bucket policy does not exist", bucket)
    return bucket.policy


def _no_such(code: str, message: str, bucket: Bucket) -> AwsError:
    return AwsError(code, message, 404, members={"BucketName": bucket.name})


def _acls_are_off() -> AwsError:
    return AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)
