"""Version ids as clients send them."""

import re

from stratus.services.s3.errors import invalid_argument
from stratus.services.s3.versions import NULL_VERSION

MADE_HERE = re.compile(r"[A-Za-z0-9_-]{32}")


def checked_version_id(version_id: str) -> str:
    """`null` or an id of the form that S3 makes; raises InvalidArgument."""
    if version_id == "":
        raise invalid_argument("Version id cannot be the empty string", "versionId", version_id)
    if version_id != NULL_VERSION and not MADE_HERE.fullmatch(version_id):
        raise invalid_argument("Invalid version id specified", "versionId", version_id)
    return version_id
