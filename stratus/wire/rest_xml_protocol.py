"""restXml: CloudFront, and S3 with ways of its own (`s3_protocol`). https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html"""

from typing import Any, ClassVar

from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

from stratus.wire.errors import AwsError
from stratus.wire.message import Request, Response
from stratus.wire.model import wire_name
from stratus.wire.rest_protocol import BodyReader, BodyWriter, RestProtocol
from stratus.wire.xml_errors import error_response
from stratus.wire.xml_shapes import XmlReaders, XmlWriters, parse_document, tag_of

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


class RestXmlProtocol(RestProtocol):
    content_type = "text/xml"
    timestamp_style: ClassVar[str] = "iso8601-milliseconds"

    def __init__(self, model: ServiceModel) -> None:
        super().__init__(model)
        self.readers, self.writers = XmlReaders(), XmlWriters(self.timestamp_style)
        self.namespace = _namespace(model)

    def body_reader(self, shape: Shape) -> BodyReader:
        read = self.readers.of(shape)
        root_tag = shape.serialization.get("name")

        def read_body(body: bytes) -> Any:
            try:
                root = parse_document(body)
                if root_tag is not None and tag_of(root) != root_tag:
                    raise ValueError(f"The root element is not {root_tag}")
                return read(root)
            except ValueError:
                raise self.malformed_xml() from None

        return read_body

    def body_writer(
        self, operation: OperationModel, shape: StructureShape, payload: str | None, in_body: bool
    ) -> BodyWriter | None:
        if payload is not None:
            member = shape.members[payload]
            assert isinstance(member, StructureShape)
            return self._document(wire_name(member, member.name), member, payload)
        return self._document(self.root_tag(operation, shape), shape, None) if in_body else None

    def root_tag(self, operation: OperationModel, shape: StructureShape) -> str:
        return wire_name(shape, shape.name)

    def _document(self, tag: str, shape: StructureShape, payload: str | None) -> BodyWriter:
        write_members = self.writers.members(shape)
        start, end = f'{_DECLARATION}<{tag} xmlns="{self.namespace}">', f"</{tag}>"

        def write(result: dict[str, Any]) -> bytes:
            value = result if payload is None else result.get(payload)
            if value is None:
                return b""
            out = [start]
            write_members(value, out)
            out.append(end)
            return "".join(out).encode()

        return write

    def write_error(self, error: AwsError, request_id: str, request: Request) -> Response:
        return error_response(self, error, request_id, self.namespace)

    def malformed_xml(self) -> AwsError:
        return AwsError("MalformedInput", "The request body is not well-formed XML of the operation's input.")

    def malformed_uri(self) -> AwsError:
        return AwsError("MalformedInput", "The request URI could not be decoded.")

    def malformed_value(self, name: str, why: str) -> AwsError:
        return AwsError("InvalidArgument", f"{name} {why}.")

    def no_such_route(self, request: Request) -> AwsError:
        return AwsError("UnknownOperationException", "", 404)


def _namespace(model: ServiceModel) -> str:
    """The namespace that the model puts on its payloads; restXml has none on the service itself."""
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        payload = None if shape is None else shape.serialization.get("payload")
        if shape is None or payload is None:
            continue
        declared = shape.members[payload].serialization.get("xmlNamespace")
        if declared:
            return str(declared["uri"] if isinstance(declared, dict) else declared)
    return ""
