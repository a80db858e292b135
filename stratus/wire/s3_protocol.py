"""S3's restXml: root elements that its model does not name, its own error document, GetBucketLocation."""

import base64
import hashlib
from typing import Any

from botocore.model import OperationModel, StructureShape

from stratus.wire.errors import AwsError
from stratus.wire.message import Params, Request, Response
from stratus.wire.rest_protocol import BodyWriter
from stratus.wire.rest_xml_protocol import RestXmlProtocol
from stratus.wire.xml_shapes import escape

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html, "Response Syntax"
_ROOT_TAGS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}
_OF_A_PART = ("UploadPart", "UploadPartCopy")
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class S3Protocol(RestXmlProtocol):
    content_type = "application/xml"
    request_id_header = "x-amz-request-id"
    validates = False  # S3 words each complaint by itself

    async def parse(self, operation: OperationModel, request: Request) -> Params:
        params = await super().parse(operation, request)
        if operation.name in _OF_A_PART:
            for member, parameter in (("UploadId", "uploadId"), ("PartNumber", "partNumber")):
                if member not in params:
                    message = f"The parameter {parameter} is missing."
                    raise AwsError("InvalidArgument", message, members={"ArgumentName": parameter})
        return params

    def serialise(self, operation: OperationModel, result: Any, request_id: str) -> Response:
        response = super().serialise(operation, result, request_id)
        response.headers.append(("x-amz-id-2", host_id(request_id)))
        return response

    def serialise_error(
        self, error: AwsError, operation: OperationModel | None, request_id: str, request: Request
    ) -> Response:
        response = super().serialise_error(error, operation, request_id, request)
        response.headers.append(("x-amz-id-2", host_id(request_id)))
        return response

    def root_tag(self, operation: OperationModel, shape: StructureShape) -> str:
        return _ROOT_TAGS.get(operation.name) or super().root_tag(operation, shape)

    def body_writer(
        self, operation: OperationModel, shape: StructureShape, payload: str | None, in_body: bool
    ) -> BodyWriter | None:
        if operation.name == "GetBucketLocation":
            return _location
        return super().body_writer(operation, shape, payload, in_body)

    def write_error(self, error: AwsError, request_id: str, request: Request) -> Response:
        status = self.error_status(error)
        if status in (304, 412) and request.method in ("GET", "HEAD") and status == 304:
            return Response(304, [], b"")
        members = {"Code": error.code, "Message": error.message, **error.members}
        members.setdefault("Resource", request.path)
        members |= {"RequestId": request_id, "HostId": host_id(request_id)}
        inner = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in members.items())
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'
        return Response(status, [("content-type", self.content_type)], body.encode())

    def too_large(self) -> AwsError:
        return AwsError("MaxMessageLengthExceeded", "Your request was too large.")

    def malformed_xml(self) -> AwsError:
        return AwsError(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )

    def malformed_uri(self) -> AwsError:
        return AwsError("InvalidURI", "Couldn't parse the specified URI.")

    def malformed_value(self, name: str, why: str) -> AwsError:
        return AwsError("InvalidArgument", f"Provided {name} {why}", members={"ArgumentName": name})

    def no_such_route(self, request: Request) -> AwsError:
        return AwsError(
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
            405,
            members={"Method": request.method, "ResourceType": "OBJECT" if request.path.count("/") > 1 else "BUCKET"},
        )


def host_id(request_id: str) -> str:
    """x-amz-id-2: opaque to clients, derived so that support can find it back from the request id."""
    return base64.b64encode(hashlib.blake2b(request_id.encode(), digest_size=48).digest()).decode("ascii")


def _location(result: dict[str, Any]) -> bytes:
    region = result.get("LocationConstraint")
    inner = escape(region) if region and region != "us-east-1" else ""
    document = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="{_NAMESPACE}">{inner}</LocationConstraint>'
    )
    return document.encode()
