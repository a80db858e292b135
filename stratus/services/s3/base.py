"""What all operations of S3 stand on: the buckets of this region, the rows, the bytes."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Any, ClassVar, TypeVar

import orjson

from stratus.iam.principal import Kind
from stratus.service import Access, Call, Service, Surroundings
from stratus.services.s3 import versions
from stratus.services.s3.bucket import Bucket, BucketDirectory, check_name
from stratus.services.s3.copy_source import CopySource
from stratus.services.s3.errors import access_denied, no_such_bucket, refused
from stratus.services.s3.public_policy import is_public
from stratus.services.s3.receiving import Stored
from stratus.storage.database import Database
from stratus.storage.objects import ObjectFiles
from stratus.storage.sealing import Seal
from stratus.wire.errors import AwsError

T = TypeVar("T")


class S3Base(Service):
    """One region's S3: its directory holds the database, the object files, and the master key that objects' bytes are sealed with.

    Bucket names are unique across regions: all instances share one `BucketDirectory`.
    """

    name: ClassVar[str] = "s3"

    def __init__(self, surroundings: Surroundings, directory: BucketDirectory | None = None) -> None:
        self.region = surroundings.region
        self.account = surroundings.account
        self.clock = surroundings.clock
        self.addresses = surroundings.addresses
        self.directory = directory or BucketDirectory()
        database, key = surroundings.directory / "s3.db", surroundings.directory / "master.key"
        if database.exists() and not key.exists():
            raise RuntimeError(f"{key} is missing: without it no object in {database} can be read. Bring it back.")
        self.seal = Seal.from_file(key)
        self.database = Database(database, versions.SCHEMA)
        self.files = ObjectFiles(surroundings.directory / "objects", self.seal)
        self.canonical_id = sha256(f"canonical user {self.account}".encode()).hexdigest()
        self._seq = 0
        self._background: list[asyncio.Future[Any]] = []
        self._changes: set[asyncio.Future[Any]] = set()
        self._load_buckets()

    async def start(self) -> None:
        self._seq = await self.database.write(versions.begin_run)
        self.in_background(self.sweep())

    async def stop(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, *self._changes, return_exceptions=True)
        await self.database.close()
        self.files.close()

    async def sweep(self) -> int:
        """Removes the bytes that a crash left without a record."""
        return await self.files.sweep(lambda ids: versions.recorded_files(self.database.reader, ids))

    def in_background(self, work: Coroutine[Any, Any, Any]) -> None:
        """Runs `work` until it is done or the service stops."""
        self._background.append(asyncio.ensure_future(work))

    def resource_policy(self, resource: str) -> str | None:
        """The policy of the bucket that an S3 ARN (`arn:aws:s3:::bucket/key`) lies in."""
        bucket = self.directory.find(resource.partition(":::")[2].partition("/")[0])
        return bucket.policy if bucket else None

    def bucket(self, call: Call) -> Bucket:
        """The bucket that a call is about. Raises NoSuchBucket, AccessDenied for another owner or a public caller that the
        bucket is closed to, and what AWS answers when the bucket is in another region."""
        name = call.params["Bucket"]
        bucket = self.directory.find(name)
        if bucket is None:
            check_name(name)
            raise no_such_bucket(name)
        if bucket.region != self.region:
            raise self._elsewhere(call, bucket)
        expected = call.params.get("ExpectedBucketOwner")
        if expected is not None and expected != self.account:
            raise access_denied()
        self._restrict_public(call, bucket)
        return bucket

    def source_bucket(self, call: Call, source: CopySource) -> Bucket:
        """The bucket that a copy reads from; as `bucket`, and refused across regions."""
        found = self.directory.find(source.bucket)
        if found is None:
            raise no_such_bucket(source.bucket)
        if found.region != self.region:
            raise refused("copies between regions")
        expected = call.params.get("ExpectedSourceBucketOwner")
        if expected is not None and expected != self.account:
            raise access_denied()
        self._restrict_public(call, found)
        return found

    async def whole(self, change: Coroutine[Any, Any, T]) -> T:
        """Runs a change to its end even when the caller goes away meanwhile: a row that was committed is followed by all
        that belongs to it."""
        task = asyncio.ensure_future(change)
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        return await asyncio.shield(task)

    async def change(self, work: Callable[[sqlite3.Connection], tuple[T, list[str]]]) -> T:
        """Runs `work` in a durable transaction. It returns its result and the files that are unused from then on."""

        async def run() -> T:
            result, unused = await self.database.write(work)
            self.files.discard(unused)
            return result

        return await self.whole(run())

    async def record(self, stored: Stored, work: Callable[[sqlite3.Connection], tuple[T, list[str]]]) -> T:
        """As `change`, for `work` that records the stored bytes: if it fails, they are gone again."""

        async def run() -> T:
            try:
                result, unused = await self.database.write(work)
            except BaseException:
                self.forget(stored)
                raise
            if stored.file is not None:
                self.files.recorded(stored.file)
            self.files.discard(unused)
            return result

        return await self.whole(run())

    async def set(self, bucket: Bucket, name: str, value: Any) -> None:
        """Durably sets a sub-resource of the bucket; None removes it."""

        def store(connection: sqlite3.Connection) -> None:
            self.bucket_still_exists(connection, bucket)
            if value is None:
                connection.execute("DELETE FROM settings WHERE bucket = ? AND name = ?", (bucket.id, name))
            else:
                row = (bucket.id, name, orjson.dumps(value))
                connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?, ?)", row)

        async def run() -> None:
            await self.database.write(store, savepoint=False)
            bucket.change(name, value)

        await self.whole(run())

    def forget(self, stored: Stored) -> None:
        """Drops stored bytes that will not be recorded."""
        if stored.file is not None:
            self.files.discard([stored.file])
            self.files.recorded(stored.file)

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def bucket_still_exists(self, connection: sqlite3.Connection, bucket: Bucket) -> None:
        """Raises NoSuchBucket if the bucket went away while a body was on its way in."""
        if connection.execute("SELECT 1 FROM buckets WHERE id = ?", (bucket.id,)).fetchone() is None:
            raise no_such_bucket(bucket.name)

    def may_list(self, call: Call, bucket: Bucket) -> bool:
        """Whether the caller may learn which keys there are."""
        return call.allows(Access("s3:ListBucket", bucket.arn))

    def _load_buckets(self) -> None:
        settings: dict[int, dict[str, object]] = {}
        for bucket_id, name, value in self.database.reader.execute("SELECT bucket, name, value FROM settings"):
            settings.setdefault(bucket_id, {})[name] = orjson.loads(value)
        for bucket_id, name, created in self.database.reader.execute("SELECT id, name, created FROM buckets"):
            self.directory.add(Bucket(bucket_id, name, self.region, created, settings.get(bucket_id, {})))

    def _restrict_public(self, call: Call, bucket: Bucket) -> None:
        if (
            bucket.public_access_block.get("RestrictPublicBuckets")
            and call.principal.kind is not Kind.SERVICE
            and call.principal.account != self.account
            and bucket.policy is not None
            and is_public(bucket.policy)
        ):
            raise access_denied()

    def _elsewhere(self, call: Call, bucket: Bucket) -> AwsError:
        headers = [("x-amz-bucket-region", bucket.region)]
        if call.request is not None and call.principal.kind is not Kind.ANONYMOUS:
            if "authorization" in call.request.headers:
                message = f"The authorization header is malformed; the region '{self.region}' is wrong; expecting '{bucket.region}'"
                code = "AuthorizationHeaderMalformed"
            else:
                message = (
                    "Error parsing the X-Amz-Credential parameter; "
                    f"the region '{self.region}' is wrong; expecting '{bucket.region}'"
                )
                code = "AuthorizationQueryParametersError"
            return AwsError(code, message, 400, members={"Region": bucket.region}, headers=headers)
        message = (
            "The bucket you are attempting to access must be addressed using the specified endpoint. "
            "Please send all future requests to this endpoint."
        )
        members = {"Endpoint": f"s3.{bucket.region}.amazonaws.com", "Bucket": bucket.name}
        return AwsError("PermanentRedirect", message, 301, members=members, headers=headers)
