"""XML documents in the bodies of requests, and the checksums that clients send along with them."""

from typing import Any

from stratus.service import Call
from stratus.services.s3.checksums import MEMBERS, Digests, Expected, header
from stratus.services.s3.errors import malformed_xml
from stratus.wire.message import BytesBody


def document(call: Call, name: str) -> Any:
    """What the request's body holds, by its name in the API. Raises MalformedXML when there is none, BadDigest or InvalidDigest
    when its bytes are not what Content-MD5 or `x-amz-checksum-*` says."""
    _check_bytes(call)
    found = call.params.get(name)
    if found is None:
        raise malformed_xml()
    return found


def _check_bytes(call: Call) -> None:
    if call.request is None or not isinstance(call.request.body, BytesBody):
        return
    fields = call.request.headers
    said = {name: fields.get(header(algorithm)) for name, algorithm in MEMBERS.items()}
    expected = Expected(
        {name: value for name, value in said.items() if value} | {"ContentMD5": fields.get("content-md5")}
    )
    if expected.chosen is None and expected.md5 is None:
        return
    digests = Digests({expected.algorithm})
    digests.update(call.request.body.data)
    expected.verify(digests, {})
