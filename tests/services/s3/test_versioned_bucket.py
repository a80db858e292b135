"""A bucket under any sequence of puts, deletes and changes of versioning, against a model of a few lines."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from stratus.wire.errors import AwsError

from .conftest import Harness

KEYS = st.sampled_from(["a", "a/", "a/b", "b", "ü"])
SIZES = st.sampled_from([0, 3, 70_000])


class Bucket(RuleBasedStateMachine):
    """The model: per key a list of (version id, bytes or None for a delete marker), the current one last."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.s3 = Harness(Path(self.folder.name) / "s3")
        self.model: dict[str, list[tuple[str, bytes | None]]] = {}
        self.versioning: str | None = None
        self.count = 0

    def run(self, operation: str, **params: object) -> dict:
        return self.loop.run_until_complete(self.s3(operation, Bucket="shelf", **params))

    @initialize()
    def begin(self) -> None:
        self.loop.run_until_complete(self.s3.service.start())
        self.run("CreateBucket")

    @rule(status=st.sampled_from(["Enabled", "Suspended"]))
    def set_versioning(self, status: str) -> None:
        self.run("PutBucketVersioning", VersioningConfiguration={"Status": status})
        self.versioning = status

    @rule(key=KEYS, size=SIZES)
    def put(self, key: str, size: int) -> None:
        self.count += 1
        data = f"{self.count} ".encode().ljust(size, b".")
        result = self.run("PutObject", Key=key, Body=data)
        self.add(key, result.get("VersionId", "null"), data)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        result = self.run("DeleteObject", Key=key)
        if self.versioning is None:
            self.model.pop(key, None)
        else:
            assert result["DeleteMarker"] is True
            self.add(key, result["VersionId"], None)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def delete_version(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.model)))
        version = data.draw(st.sampled_from(self.model[key]))
        result = self.run("DeleteObject", Key=key, VersionId=version[0])
        assert result.get("DeleteMarker", False) is (version[1] is None)
        self.model[key].remove(version)
        if not self.model[key]:
            del self.model[key]

    @rule()
    def restart(self) -> None:
        self.loop.run_until_complete(self.s3.restart())

    @invariant()
    def shows_what_the_model_has(self) -> None:
        if not self.s3.buckets.find("shelf"):
            return
        present = {key: versions[-1][1] for key, versions in self.model.items() if versions[-1][1] is not None}
        listed = self.run("ListObjectsV2")["Contents"]
        assert [(one["Key"], one["Size"]) for one in listed] == [
            (key, len(present[key])) for key in sorted(present, key=str.encode)
        ]
        for key in ("a", "a/", "a/b", "b", "ü"):
            assert self.get(key) == present.get(key)
        all_versions = self.run("ListObjectVersions")
        found = {
            (one["Key"], one["VersionId"], one["IsLatest"])
            for one in all_versions["Versions"] + all_versions["DeleteMarkers"]
        }
        assert found == {
            (key, version_id, position == len(versions) - 1)
            for key, versions in self.model.items()
            for position, (version_id, _) in enumerate(versions)
        }
        for key, versions in self.model.items():
            for version_id, data in versions:
                if data is not None:
                    assert self.get(key, VersionId=version_id) == data

    def add(self, key: str, version_id: str, data: bytes | None) -> None:
        kept = [one for one in self.model.get(key, []) if version_id != "null" or one[0] != "null"]
        self.model[key] = [*kept, (version_id, data)]

    def get(self, key: str, **params: object) -> bytes | None:
        got = self.s3.bytes_of(Bucket="shelf", Key=key, **params)
        try:
            return self.loop.run_until_complete(got)
        except AwsError as error:
            if error.code != "NoSuchKey":
                raise
            return None

    def teardown(self) -> None:
        self.loop.run_until_complete(self.s3.service.sweep())
        large = sum(data is not None and len(data) > 65_536 for versions in self.model.values() for _, data in versions)
        self.loop.run_until_complete(self.s3.service.stop())
        assert len(self.s3.files()) == large
        self.loop.close()
        self.folder.cleanup()


Bucket.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestBucket = Bucket.TestCase
