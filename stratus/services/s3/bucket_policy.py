"""Bucket policies as S3 takes them: IAM's grammar, about this bucket, about S3."""

from stratus.iam.policy.document import Document, MalformedPolicy, StatementText, Use, read
from stratus.services.s3.bucket import Bucket
from stratus.wire.errors import AwsError

MAX_BYTES = 20 * 1024
BUCKET_ACTIONS = ("s3:list", "s3:createbucket", "s3:deletebucket", "s3:getbucket", "s3:putbucket")
OBJECT_LISTS = ("s3:listmultipartuploadparts",)
"""Where the name alone tells whether an action is done to buckets."""


def check(text: str, bucket: Bucket) -> None:
    """Raises MalformedPolicy (400) in S3's words."""
    if len(text.encode()) > MAX_BYTES:
        raise _malformed("Policies must be no larger than 20 KB.")
    if not text.lstrip().startswith("{"):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    for statement in _document(text).statements:
        _check_resources(statement, bucket)
        _check_actions(statement)


def _document(text: str) -> Document:
    try:
        return read(text, Use.RESOURCE)
    except MalformedPolicy as error:
        message = str(error)
        if message == "This policy contains invalid Json":
            message = "Policies must be valid JSON and the first byte must be '{'"
        raise _malformed(message) from None


def _check_resources(statement: StatementText, bucket: Bucket) -> None:
    for resource in statement.resources or ():
        if resource == bucket.arn or resource.startswith(bucket.arn + "/"):
            continue
        if resource != bucket.arn + "*":
            raise _malformed("Policy has invalid resource")


def _check_actions(statement: StatementText) -> None:
    on_bucket = any("/" not in resource for resource in statement.resources or ())
    on_objects = any("/" in resource or resource.endswith("*") for resource in statement.resources or ())
    for action in statement.actions:
        lowered = action.lower()
        if lowered != "*" and not lowered.startswith("s3:"):
            raise _malformed("Policy has invalid action")
        if statement.negated_resources or "*" in lowered or "?" in lowered:
            continue
        if not (on_bucket if _is_done_to_buckets(lowered) else on_objects):
            raise _malformed("Action does not apply to any resource(s) in statement")


def _is_done_to_buckets(action: str) -> bool:
    configuration = action.endswith(("configuration", "publicaccessblock", "ownershipcontrols"))
    return (action.startswith(BUCKET_ACTIONS) and action not in OBJECT_LISTS) or configuration


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicy", message, 400)
