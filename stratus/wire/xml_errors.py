"""The ErrorResponse document of awsQuery and of restXml outside of S3."""

from botocore.model import StructureShape

from stratus.wire.base import Protocol
from stratus.wire.errors import AwsError
from stratus.wire.message import Response
from stratus.wire.xml_shapes import XmlWriters, escape

_WRITERS = XmlWriters("iso8601")


def error_response(protocol: Protocol, error: AwsError, request_id: str, namespace: str) -> Response:
    shape = protocol.error_shape(error.code)
    code = error.code if shape is None else shape.error_code or shape.name
    kind = "Sender" if error.status < 500 else "Receiver"
    out = [f'<ErrorResponse xmlns="{namespace}"><Error><Type>{kind}</Type><Code>{escape(code)}</Code>']
    out.append(f"<Message>{escape(error.message)}</Message>")
    if isinstance(shape, StructureShape):
        _WRITERS.members(shape)(error.members, out)
    out.append(f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>")
    return Response(protocol.error_status(error), [("content-type", "text/xml")], "".join(out).encode())
