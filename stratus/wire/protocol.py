"""AWS's protocols: HTTP requests into operations and parameters, results and errors into HTTP responses.

Everything comes from botocore's models; shapes are compiled on an operation's first use and kept.
"""

from functools import cache

from stratus.wire.base import Protocol
from stratus.wire.errors import not_implemented
from stratus.wire.json_protocol import JsonProtocol
from stratus.wire.model import service_model
from stratus.wire.query_protocol import QueryProtocol
from stratus.wire.rest_json_protocol import RestJsonProtocol
from stratus.wire.rest_xml_protocol import RestXmlProtocol
from stratus.wire.s3_protocol import S3Protocol

__all__ = ["Protocol", "protocol_for"]


@cache
def protocol_for(service_name: str, *, wire_json: bool = False) -> Protocol:
    """The protocol of a service by botocore's name. `wire_json` leaves JSON as it is sent (see `Service.wire_json`).

    Of the protocols that a model offers we take the one that clients of every age speak; CBOR is refused.
    """
    model = service_model(service_name)
    if service_name == "s3":
        return S3Protocol(model)
    offered = model.metadata.get("protocols") or [model.metadata["protocol"]]
    if "json" in offered:
        return JsonProtocol(model, wire_json=wire_json)
    if "rest-json" in offered:
        return RestJsonProtocol(model)
    if "rest-xml" in offered:
        return RestXmlProtocol(model)
    if "query" in offered:
        return QueryProtocol(model)
    raise not_implemented(service_name, f"protocol {offered[0]}")
