"""Byte ranges: one `bytes=` range of RFC 9110 section 14, as GetObject and UploadPartCopy take it."""

import re

from stratus.services.s3.errors import invalid_argument
from stratus.wire.errors import AwsError

RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
COPY_RANGE = re.compile(r"bytes=(\d+)-(\d+)", re.ASCII)
MAX_DIGITS = 18


def requested(header: str | None, size: int) -> tuple[int, int] | None:
    """Start and stop (exclusive) of the range in `header`; None when there is none or it is to be ignored.

    What is no single byte range is ignored and the whole object answered (S3 does not do several ranges at once). Raises
    InvalidRange (416) when no byte of the object is in it.
    """
    found = RANGE.fullmatch(header.strip()) if header else None
    if header is None or found is None or found.group(0) == "bytes=-":
        return None
    first, last = (digits[:MAX_DIGITS] for digits in found.groups())
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise unsatisfiable(header, size)
    return start, stop


def of_copy_source(header: str, size: int) -> tuple[int, int]:
    """`x-amz-copy-source-range`: both ends, inside the source. Raises InvalidArgument or InvalidRange."""
    found = COPY_RANGE.fullmatch(header)
    if found is None:
        message = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy"
        raise invalid_argument(message, "x-amz-copy-source-range", header)
    first, last = int(found[1][:MAX_DIGITS]), int(found[2][:MAX_DIGITS])
    if first > last or last >= size:
        message = f"Range specified is not valid for source object of size: {size}"
        raise invalid_argument(message, "x-amz-copy-source-range", header)
    return first, last + 1


def unsatisfiable(header: str, size: int) -> AwsError:
    return AwsError(
        "InvalidRange",
        "The requested range is not satisfiable",
        416,
        members={"RangeRequested": header, "ActualObjectSize": str(size)},
        headers=[("content-range", f"bytes */{size}")],
    )
