"""Amazon S3: general purpose buckets and their objects.

Every object is encrypted at rest (SSE-S3, `x-amz-server-side-encryption: AES256`): AES-256-GCM under a master key in the service's own
directory, see `stratus.storage.sealing` for what that protects and what not. SSE-C, SSE-KMS, ACLs, Object Lock, website hosting,
and whatever else is not here are refused by name.
"""

from stratus.services.s3.lifecycle_runner import LifecycleRunner
from stratus.services.s3.operations.browsers import Browsers
from stratus.services.s3.operations.bucket_access import BucketAccess
from stratus.services.s3.operations.bucket_settings import BucketSettings
from stratus.services.s3.operations.buckets import Buckets
from stratus.services.s3.operations.copy_object import CopyObject
from stratus.services.s3.operations.delete_object import DeleteObject
from stratus.services.s3.operations.list_uploads import ListMultipartUploads
from stratus.services.s3.operations.list_versions import ListObjectVersions
from stratus.services.s3.operations.object_attributes import GetObjectAttributes
from stratus.services.s3.operations.object_tagging import ObjectTagging


class S3(
    Buckets,
    BucketAccess,
    BucketSettings,
    Browsers,
    CopyObject,
    DeleteObject,
    GetObjectAttributes,
    ListMultipartUploads,
    ListObjectVersions,
    ObjectTagging,
):
    """One region's S3 (CopyObject brings what it copies with: GetObject, PutObject, Multipart)."""

    async def start(self) -> None:
        await super().start()
        self.in_background(LifecycleRunner(self).run_forever())
