"""Erases an account: its files with all versions and unfinished uploads, its to-dos, its sign-in and its identity.

What takes long comes first, so that the owner can follow the job; the sign-in comes before the identity, because who
is signed in could have a new identity made.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from todolist.rules.workspace import Account
from todolist.store import items, keys
from todolist.store.dynamo import Dynamo

from . import worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from todolist.rules.jobs import Job

_SECONDS_CLOSED = 86_400


def _now() -> datetime:
    return datetime.now(UTC)


@cache
def dynamo() -> Dynamo:
    return Dynamo(os.environ["TABLE"])


def handler(event: Mapping[str, str], context: Any) -> None:
    """The Lambda function."""
    worker.work_off(event, context, dynamo(), _now, steps, worker.invoke)


def steps(user: str, job: Job) -> Iterator[int]:
    """Each step deletes what is there, so that a repeat deletes what is left."""
    folder = f"private/{job.work['identity']}/"
    job_id = job.document["id"]
    yield from _erase_files(folder)
    yield from _erase_items(user, job_id)
    yield _erase_sign_in(job.work["username"])
    yield _erase_identity(job.work["identity"])
    # Once more: requests that were under way, and credentials handed out before, have perhaps made something meanwhile.
    yield from _erase_files(folder)
    yield from _erase_items(user, job_id)
    yield _forget_account(user, job_id)


def _erase_files(folder: str) -> Iterator[int]:
    s3, bucket = worker.client("s3"), os.environ["FILES_BUCKET"]
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=folder):
        uploads = page.get("Uploads", [])
        for upload in uploads:
            _abort(s3, bucket, upload)
        if uploads:
            yield len(uploads)
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=folder):
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not versions:
            continue
        names = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
        refused = s3.delete_objects(Bucket=bucket, Delete={"Objects": names, "Quiet": True}).get("Errors", [])
        if refused:
            raise RuntimeError(f"{len(refused)} files could not be deleted, the first because of {refused[0]['Code']}")
        yield len(names)


def _abort(s3: Any, bucket: str, upload: Mapping[str, Any]) -> None:
    try:
        s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    except s3.exceptions.NoSuchUpload:
        return  # finished or given up meanwhile; a file that came of it is among the versions


def _erase_items(user: str, job_id: str) -> Iterator[int]:
    """All items but this job, which tells how far it is, and the account, which refuses further writes. It looks again
    until a look finds none, because a batch may leave some undone."""
    stay = {keys.ACCOUNT, keys.job(job_id)}
    found = True
    while found:
        found = False
        for page in dynamo().pages(user, keys.BEGIN, keys.END):
            doomed = [item["sk"] for item in page if item["sk"] not in stay]
            if doomed:
                found = True
                dynamo().delete(user, doomed)
                yield len(doomed)


def _forget_account(user: str, job_id: str) -> int:
    """The account item, which refuses writes of tokens still valid, expires a day later, when none is."""
    account = Account(closed_by=job_id)
    until = int(_now().timestamp()) + _SECONDS_CLOSED
    dynamo().put({**items.account_item(user, account, 0), "ttl": until})
    return 0


def _erase_identity(identity_id: str) -> int:
    answer = worker.client("cognito-identity").delete_identities(IdentityIdsToDelete=[identity_id])
    for failed in answer.get("UnprocessedIdentityIds", []):
        raise RuntimeError(f"the identity could not be deleted: {failed.get('ErrorCode')}")
    return 1


def _erase_sign_in(username: str) -> int:
    users = worker.client("cognito-idp")
    try:
        users.admin_delete_user(UserPoolId=os.environ["USER_POOL_ID"], Username=username)
    except users.exceptions.UserNotFoundException:
        return 0  # an earlier try got this far
    return 1
