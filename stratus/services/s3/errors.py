"""S3's errors, in S3's words (Amazon S3 API Reference, "Error responses")."""

from typing import Any

from stratus.wire.errors import AwsError, not_implemented


def no_such_bucket(bucket: str) -> AwsError:
    return AwsError("NoSuchBucket", "The specified bucket does not exist", 404, members={"BucketName": bucket})


def no_such_key(key: str, headers: list[tuple[str, str]] | None = None) -> AwsError:
    return AwsError("NoSuchKey", "The specified key does not exist.", 404, members={"Key": key}, headers=headers)


def no_such_version(key: str, version_id: str) -> AwsError:
    members = {"Key": key, "VersionId": version_id}
    return AwsError("NoSuchVersion", "The specified version does not exist.", 404, members=members)


def no_such_upload(upload_id: str) -> AwsError:
    message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    return AwsError("NoSuchUpload", message, 404, members={"UploadId": upload_id})


def method_not_allowed(method: str, headers: list[tuple[str, str]]) -> AwsError:
    message = "The specified method is not allowed against this resource."
    members = {"Method": method, "ResourceType": "DeleteMarker"}
    return AwsError("MethodNotAllowed", message, 405, members=members, headers=headers)


def precondition_failed(condition: str) -> AwsError:
    message = "At least one of the pre-conditions you specified did not hold"
    return AwsError("PreconditionFailed", message, 412, members={"Condition": condition})


def access_denied(message: str = "Access Denied") -> AwsError:
    return AwsError("AccessDenied", message, 403)


def invalid_argument(message: str, name: str, value: Any) -> AwsError:
    return AwsError("InvalidArgument", message, 400, members={"ArgumentName": name, "ArgumentValue": str(value)})


def integer(value: int | str | None, name: str, usual: int, most: int) -> int:
    """A number of the query string, cut to `most`; raises InvalidArgument for what is none (some members are strings)."""
    text = str(usual if value is None or value == "" else value)
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise invalid_argument(f"Provided {name} not an integer or within integer range", name, text)
    return min(int(text), most)


def invalid_request(message: str) -> AwsError:
    return AwsError("InvalidRequest", message, 400)


def malformed_xml() -> AwsError:
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    return AwsError("MalformedXML", message, 400)


def need(structure: dict[str, Any] | None, *names: str) -> dict[str, Any]:
    """`structure` if it has these members; raises MalformedXML for a document that lacks them."""
    if structure is None or any(structure.get(name) is None for name in names):
        raise malformed_xml()
    return structure


def refused(what: str) -> AwsError:
    """What this S3 does not do, by its name."""
    return not_implemented("S3", what)
