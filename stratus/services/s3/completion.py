"""What CompleteMultipartUpload is checked for before an object is made of parts."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from stratus.services.s3.checksums import DIGESTS, bad_checksum, member
from stratus.services.s3.errors import invalid_request, malformed_xml, need
from stratus.services.s3.versions import Part
from stratus.wire.errors import AwsError

MIN_PART_BYTES = 5 * 1024**2
MAX_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A part as the client names it."""

    number: int
    etag: str
    checksums: dict[str, str]


def parts_wanted(document: dict[str, Any] | None) -> list[Wanted]:
    """Raises MalformedXML, or InvalidPartOrder unless the numbers rise."""
    given = need(document, "Parts")["Parts"]
    if not 1 <= len(given) <= MAX_PARTS:
        raise malformed_xml()
    wanted = [_wanted(need(part, "PartNumber", "ETag")) for part in given]
    if any(one.number >= other.number for one, other in pairwise(wanted)):
        message = "The list of parts was not in ascending order. Parts must be ordered by part number."
        raise AwsError("InvalidPartOrder", message, 400)
    return wanted


def matched(upload_id: str, wanted: list[Wanted], there: dict[int, Part], algorithm: str | None) -> list[Part]:
    """The parts themselves; raises InvalidPart, EntityTooSmall, or InvalidRequest for a checksum that is missing.

    `algorithm` is the one that the client chose for the upload.
    """
    parts = []
    for one in wanted:
        part = there.get(one.number)
        if part is None or part.etag != one.etag:
            raise _invalid_part(upload_id, one)
        _check_checksum(upload_id, one, part, algorithm)
        parts.append(part)
    for part in parts[:-1]:
        if part.size < MIN_PART_BYTES:
            raise _too_small(part)
    return parts


def check_whole(params: dict[str, Any], computed: dict[str, str], checksum_type: str, size: int) -> None:
    """What the client says about the whole object; raises BadDigest or InvalidRequest."""
    wanted = params.get("ChecksumType")
    if wanted is not None and wanted != checksum_type:
        raise invalid_request(
            f"The upload was created using the {checksum_type} checksum mode. "
            f"The complete request must use the same checksum mode."
        )
    for algorithm in DIGESTS:
        given = params.get(member(algorithm))
        if given is not None and computed.get(member(algorithm)) != given:
            raise bad_checksum(algorithm)
    declared = params.get("MpuObjectSize")
    if declared is not None and int(declared) != size:
        raise invalid_request(
            f"The provided 'x-amz-mp-object-size' header value {declared} does not match what was computed: {size}"
        )


def _wanted(part: dict[str, Any]) -> Wanted:
    checksums = {name: part[member(name)] for name in DIGESTS if part.get(member(name)) is not None}
    return Wanted(part["PartNumber"], part["ETag"].strip('"'), checksums)


def _check_checksum(upload_id: str, one: Wanted, part: Part, algorithm: str | None) -> None:
    for name, value in one.checksums.items():
        if name in part.checksums and part.checksums[name] != value:
            raise _invalid_part(upload_id, one)
    if algorithm is not None and algorithm not in one.checksums:
        raise invalid_request(
            f"The upload was created using a {algorithm.lower()} checksum. The complete request must include the checksum for "
            f"each part. It was missing for part {one.number} in the request."
        )


def _invalid_part(upload_id: str, one: Wanted) -> AwsError:
    message = (
        "One or more of the specified parts could not be found. The part may not have been uploaded, "
        "or the specified entity tag may not match the part's entity tag."
    )
    members = {"UploadId": upload_id, "PartNumber": str(one.number), "ETag": one.etag}
    return AwsError("InvalidPart", message, 400, members=members)


def _too_small(part: Part) -> AwsError:
    members = {
        "ProposedSize": str(part.size),
        "MinSizeAllowed": str(MIN_PART_BYTES),
        "PartNumber": str(part.number),
        "ETag": part.etag,
    }
    message = "Your proposed upload is smaller than the minimum allowed size"
    return AwsError("EntityTooSmall", message, 400, members=members)
