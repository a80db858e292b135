"""Amazon S3. `S3(surroundings, directory)`: one `BucketDirectory` for all regions of a cloud."""

from stratus.services.s3.bucket import BucketDirectory
from stratus.services.s3.service import S3

__all__ = ["S3", "BucketDirectory"]
