"""Amazon S3: general purpose buckets and their objects.

Every object is encrypted at rest (SSE-S3, `x-amz-server-side-encryption: AES256`): AES-256-GCM under a master key in the service's own
directory, see `stratus.storage.sealing` for what that protects and what not. SSE-C, SSE-KMS, ACLs, Object Lock, website hosting,
and whatever else is not here are refused by name.
"""

from stratus.services.s3.operations.buckets import Buckets
from stratus.services.s3.operations.delete_object import DeleteObject
from stratus.services.s3.operations.get_object import GetObject
from stratus.services.s3.operations.list_objects import ListObjects
from stratus.services.s3.operations.put_object import PutObject


class S3(Buckets, PutObject, GetObject, DeleteObject, ListObjects):
    """One region's S3."""
