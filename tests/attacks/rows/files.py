"""Files: keys, folders, buckets"""

from typing import Any
from urllib.parse import quote

import httpx
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest

from tests.attacks import raw
from tests.attacks.answers import Answer, seen
from tests.attacks.table import attack
from tests.attacks.world import World, allow, policy
from tests.end_to_end.conftest import Person

DENIED = "403 AccessDenied"


def _lookalikes(owner: Person) -> dict[str, str]:
    """Keys that resemble the owner's folder, by what is done to it."""
    own, file = owner.folder, "diary.txt"
    return {
        "other letters": own.upper() + file,
        "a slash before": "/" + own + file,
        "two slashes": own.replace("/", "//") + file,
        "dots before": "./" + own + file,
        "a newline after the id": own[:-1] + "\n/" + file,
        "a newline before": "\n" + own + file,
        "a space after the id": own[:-1] + " /" + file,
        "a full-width slash": own.replace("/", "\uff0f") + file,
        "a division slash": own.replace("/", "\u2215") + file,
        "a Cyrillic letter": own.replace("p", "\u0440") + file,
        "an id cut short": own[:-2] + "/" + file,
        "an id made longer": own[:-1] + "0/" + file,
        "percent signs": own.replace("/", "%2F") + file,
        "a combining mark": own[:-1] + "\u0301/" + file,
        "a zero-width space": own[:-1] + "\u200b/" + file,
        "a star for the id": "private/*/" + file,
        "the policy's variable": "private/${cognito-identity.amazonaws.com:sub}/" + file,
        "a question mark": own[:-2] + "?/" + file,
        "no id": "private//" + file,
        "no folder": file,
    }


LOOKALIKES = tuple(_lookalikes(Person("", "", {}, "eu-central-1:0a1b2c", {}, None, None)))  # type: ignore[arg-type]


@attack(dict.fromkeys(LOOKALIKES, DENIED))
def writes_beside_a_folder(world: World, change: str) -> Any:
    """Writes a key that resembles one of the owner's folder: {}."""
    key = _lookalikes(world.owner)[change]
    return world.stranger.s3.put_object(Bucket=world.bucket, Key=key, Body=b"x")


@attack(dict.fromkeys(LOOKALIKES, DENIED))
def writes_beside_their_own(world: World, change: str) -> Any:
    """Writes a key that resembles one of their own folder: {}."""
    key = _lookalikes(world.stranger)[change]
    return world.stranger.s3.put_object(Bucket=world.bucket, Key=key, Body=b"x")


@attack(
    dict.fromkeys(
        [
            "../{owner}/diary.txt",
            "..%2f{owner}%2fdiary.txt",
            "%2e%2e/{owner}/diary.txt",
            "a/../../{owner}/diary.txt",
            "\n../{owner}",
        ],
        "200, in their own folder, and the owner's file is as it was",
    )
)
def climbs(world: World, way: str) -> Any:
    """Writes {} below their own folder: a key is no path, and it stays where it was put."""
    key = world.stranger.folder + way.replace("{owner}", world.owner.identity_id)
    put = world.stranger.s3.put_object(Bucket=world.bucket, Key=key, Body=b"climbed")
    listed = world.stranger.s3.list_objects_v2(Bucket=world.bucket, Prefix=world.stranger.folder)
    assert key in [item["Key"] for item in listed["Contents"]]
    assert world.stranger.s3.get_object(Bucket=world.bucket, Key=key)["Body"].read() == b"climbed"
    return (
        f"{seen(put)}, in their own folder, and the owner's file is {'as it was' if world.is_untouched() else 'gone'}"
    )


@attack(
    dict.fromkeys(["/../{owner}", "/%2e%2e/{owner}", "/..%2f{owner}", "/.%2e/{owner}", "/%252e%252e/{owner}"], DENIED)
)
def climbs_unsigned(world: World, way: str) -> Any:
    """Asks for the owner's file over the path of a folder of their own, unsigned and byte for byte: {}."""
    way = way.replace("{owner}", world.owner.identity_id)
    return raw.get(world.endpoint, f"/{world.bucket}/private/{world.stranger.identity_id}{way}/diary.txt")


@attack(
    dict.fromkeys(
        ["../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd", "....//....//etc/passwd"],
        "400 InvalidBucketName",
    )
)
def climbs_out_of_the_store(world: World, way: str) -> Any:
    """Asks the endpoint for {}."""
    return raw.get(world.endpoint, f"/{way}")


@attack({"GET": DENIED, "HEAD": "403", "PUT": DENIED, "DELETE": DENIED})
def anonymous(world: World, method: str) -> Any:
    """Asks for the owner's file without a signature: {}."""
    return httpx.request(method, world.url_of(world.treasure.key))


@attack({"get_object": DENIED, "head_object": "403 403", "delete_object": DENIED, "get_object_attributes": DENIED})
def of_the_owner(world: World, operation: str) -> Any:
    """Calls {} on the owner's file."""
    more = {"ObjectAttributes": ["ETag"]} if operation == "get_object_attributes" else {}
    return getattr(world.stranger.s3, operation)(Bucket=world.bucket, Key=world.treasure.key, **more)


@attack(DENIED)
def overwrites(world: World) -> Any:
    """Overwrites the owner's file."""
    return world.stranger.s3.put_object(Bucket=world.bucket, Key=world.treasure.key, Body=b"x")


@attack(DENIED)
def probes_with_a_condition(world: World) -> Any:
    """Learns with If-None-Match whether the owner has the file."""
    return world.stranger.s3.put_object(Bucket=world.bucket, Key=world.treasure.key, Body=b"x", IfNoneMatch="*")


@attack(DENIED)
def probes_for_a_missing_one(world: World) -> Any:
    """Asks for a file that the owner does not have: the answer is that of one that is there."""
    return world.stranger.s3.get_object(Bucket=world.bucket, Key=world.owner.folder + "nothing")


@attack(DENIED)
def copies_out(world: World) -> Any:
    """Copies the owner's file into their own folder."""
    source = {"Bucket": world.bucket, "Key": world.treasure.key}
    return world.stranger.s3.copy_object(Bucket=world.bucket, Key=world.stranger.folder + "copy", CopySource=source)


@attack(DENIED)
def copies_in(world: World) -> Any:
    """Copies their own file over the owner's."""
    world.stranger.s3.put_object(Bucket=world.bucket, Key=world.stranger.folder + "mine", Body=b"mine")
    source = {"Bucket": world.bucket, "Key": world.stranger.folder + "mine"}
    return world.stranger.s3.copy_object(Bucket=world.bucket, Key=world.treasure.key, CopySource=source)


@attack(DENIED)
def copies_a_part_out(world: World) -> Any:
    """Copies the owner's file as a part of an upload of their own."""
    s3, key = world.stranger.s3, world.stranger.folder + "parts"
    upload = s3.create_multipart_upload(Bucket=world.bucket, Key=key)["UploadId"]
    source = {"Bucket": world.bucket, "Key": world.treasure.key}
    return s3.upload_part_copy(Bucket=world.bucket, Key=key, UploadId=upload, PartNumber=1, CopySource=source)


@attack("404 NoSuchUpload")
def upload_of_another(world: World) -> Any:
    """Puts a part into the owner's upload by its id, under a key of their own."""
    upload = world.owner.s3.create_multipart_upload(Bucket=world.bucket, Key=world.owner.folder + "big")["UploadId"]
    return world.stranger.s3.upload_part(
        Bucket=world.bucket, Key=world.stranger.folder + "big", UploadId=upload, PartNumber=1, Body=b"x"
    )


@attack("Deleted: their own. AccessDenied: the owner's")
def deletes_several(world: World) -> Any:
    """Deletes the owner's file among their own in one request."""
    mine = world.stranger.folder + "mine"
    keys = [{"Key": mine}, {"Key": world.treasure.key}]
    answer = world.stranger.s3.delete_objects(Bucket=world.bucket, Delete={"Objects": keys})
    assert [deleted["Key"] for deleted in answer["Deleted"]] == [mine]
    ((error),) = answer["Errors"]
    assert error["Key"] == world.treasure.key
    return f"Deleted: their own. {error['Code']}: the owner's"


@attack(
    dict.fromkeys(
        [
            "nothing",
            "private",
            "private/",
            "the owner's folder",
            "an id cut short",
            "their own id without a slash",
            "a star",
            "a newline",
        ],
        DENIED,
    )
)
def lists(world: World, prefix: str) -> Any:
    """Lists the bucket with this prefix: {}."""
    own = world.stranger.folder
    text = {
        "nothing": "",
        "private": "private",
        "private/": "private/",
        "the owner's folder": world.owner.folder,
        "an id cut short": own[:-3],
        "their own id without a slash": own[:-1],
        "a star": "private/*",
        "a newline": own[:-1] + "\n/",
    }[prefix]
    return world.stranger.s3.list_objects_v2(Bucket=world.bucket, Prefix=text)


@attack(DENIED)
def lists_without_a_prefix(world: World) -> Any:
    """Lists the bucket without a prefix."""
    return world.stranger.s3.list_objects_v2(Bucket=world.bucket)


@attack("200, and nothing of the owner's")
def lists_from_another_start(world: World) -> Any:
    """Lists their own folder starting after the owner's file."""
    answer = world.stranger.s3.list_objects_v2(
        Bucket=world.bucket, Prefix=world.stranger.folder, StartAfter=world.owner.folder
    )
    keys = [item["Key"] for item in answer.get("Contents", [])]
    assert all(key.startswith(world.stranger.folder) for key in keys)
    return f"{seen(answer)}, and nothing of the owner's"


SETTINGS = {
    "get_bucket_policy": {},
    "delete_bucket_policy": {},
    "get_bucket_versioning": {},
    "put_bucket_versioning": {"VersioningConfiguration": {"Status": "Suspended"}},
    "get_public_access_block": {},
    "delete_public_access_block": {},
    "get_bucket_cors": {},
    "list_object_versions": {"Prefix": "private/"},
    "list_multipart_uploads": {},
    "delete_bucket": {},
}


@attack(dict.fromkeys(SETTINGS, DENIED))
def of_the_bucket(world: World, operation: str) -> Any:
    """Calls {} on the bucket."""
    return getattr(world.stranger.s3, operation)(Bucket=world.bucket, **SETTINGS[operation])  # type: ignore[arg-type]


@attack(DENIED)
def opens_the_bucket(world: World) -> Any:
    """Makes the bucket public with the administrator's help: the public access block refuses the policy."""
    statement = {"Principal": "*", **allow("s3:GetObject", f"arn:aws:s3:::{world.bucket}/*")}
    return world.admin("s3").put_bucket_policy(Bucket=world.bucket, Policy=policy(statement))


@attack("400 AccessControlListNotSupported")
def public_acl(world: World) -> Any:
    """Uploads a file for everybody to read."""
    return world.stranger.s3.put_object(
        Bucket=world.bucket, Key=world.stranger.folder + "public", Body=b"x", ACL="public-read"
    )


@attack(DENIED)
def makes_a_bucket(world: World) -> Any:
    """Makes a bucket of their own."""
    return world.stranger.s3.create_bucket(
        Bucket=world.name("bucket"), CreateBucketConfiguration={"LocationConstraint": world.region}
    )


@attack("409 BucketAlreadyOwnedByYou")
def takes_a_bucket(world: World) -> Any:
    """Makes the application's bucket once more, as its administrator: what it holds stays."""
    return world.admin("s3").create_bucket(
        Bucket=world.bucket, CreateBucketConfiguration={"LocationConstraint": world.region}
    )


@attack(
    dict.fromkeys(["..", "A", "a..b", "192.168.0.1", "xn--a"], "400 InvalidBucketName")
    | dict.fromkeys(["../iam", "a/b"], "403 SignatureDoesNotMatch")
)
def bucket_named(world: World, name: str) -> Any:
    """Makes a bucket named {}."""
    request = AWSRequest("PUT", f"{world.endpoint}/{quote(name, safe='')}", data=b"")
    S3SigV4Auth(world.admin_keys, "s3", world.region).add_auth(request)
    fields = [f"{field}: {value}" for field, value in request.headers.items()]
    answer: Answer = raw.get(world.endpoint, f"/{quote(name, safe='')}", *fields, "Content-Length: 0", method="PUT")
    return answer


@attack({"a NUL": "200", "1024 bytes": "200", "an emoji": "200"})
def strange_but_right_key(world: World, kind: str) -> Any:
    """Keeps a file under a key with {}, which AWS takes as well."""
    own = world.stranger.folder
    key = own + {"a NUL": "a\0b", "1024 bytes": "k" * (1024 - len(own)), "an emoji": "💣"}[kind]
    world.stranger.s3.put_object(Bucket=world.bucket, Key=key, Body=b"kept")
    return world.stranger.s3.get_object(Bucket=world.bucket, Key=key)


@attack("400 KeyTooLongError")
def key_too_long(world: World) -> Any:
    """Keeps a file under a key of 1,025 bytes."""
    own = world.stranger.folder
    return world.stranger.s3.put_object(Bucket=world.bucket, Key=own + "k" * (1025 - len(own)), Body=b"x")


@attack("400 InvalidURI")
def key_that_is_not_utf8(world: World) -> Any:
    """Asks for a key that is not UTF-8."""
    return raw.get(world.endpoint, f"/{world.bucket}/%ff%fe")
