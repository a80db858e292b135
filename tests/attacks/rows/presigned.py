"""Presigned URLs"""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from botocore.credentials import Credentials

from tests.attacks.clocks import wrong_clock
from tests.attacks.table import attack
from tests.attacks.world import World, deny, policy

EXPIRED = "403 AccessDenied"
MISMATCH = "403 SignatureDoesNotMatch"


def _own_url(world: World, method: str = "GET", key: str = "shared.txt", seconds: int = 300) -> str:
    """A URL that the stranger may make: for a file in their own folder."""
    world.stranger.s3.put_object(Bucket=world.bucket, Key=world.stranger.folder + "shared.txt", Body=b"shared")
    return world.presigned(world.keys_of(world.stranger), method, world.stranger.folder + key, seconds)


def _with(url: str, **changes: str) -> str:
    query = dict(parse_qsl(urlsplit(url).query)) | {name.replace("_", "-"): value for name, value in changes.items()}
    return urlsplit(url)._replace(query=urlencode(query)).geturl()


@attack("200")
def control_right_url(world: World) -> Any:
    """Nothing wrong, for comparison: a URL for their own file, inside its window."""
    return httpx.get(_own_url(world))


@attack(EXPIRED)
def after_the_window(world: World) -> Any:
    """Uses a URL one second after its window of five minutes."""
    with wrong_clock(-301):
        url = _own_url(world)
    return httpx.get(url)


@attack(MISMATCH)
def window_made_longer(world: World) -> Any:
    """Writes a longer window into an expired URL."""
    with wrong_clock(-301):
        url = _own_url(world)
    return httpx.get(_with(url, X_Amz_Expires="86400"))


@attack("403 AccessDenied")
def before_the_window(world: World) -> Any:
    """Signs a URL for tomorrow."""
    with wrong_clock(86_400):
        url = _own_url(world)
    return httpx.get(url)


@attack({"604801": "400 AuthorizationQueryParametersError", "-1": "400 AuthorizationQueryParametersError"})
def impossible_window(world: World, seconds: str) -> Any:
    """Signs a URL for {} seconds."""
    return httpx.get(_own_url(world, seconds=int(seconds)))


@attack("400 ExpiredToken")
def of_expired_credentials(world: World) -> Any:
    """Uses a URL of seven days after the credentials that signed it have expired."""
    url = _own_url(world, seconds=604_800)
    with world.later(3601):
        return httpx.get(url)


@attack(MISMATCH)
def for_another_key(world: World) -> Any:
    """Puts the owner's key into the path of a URL for their own file."""
    url = _own_url(world)
    return httpx.get(url.replace(world.url_of(f"{world.stranger.folder}shared.txt"), world.url_of(world.treasure.key)))


@attack(MISMATCH)
def for_another_method(world: World) -> Any:
    """Deletes with a URL that was signed for reading."""
    return httpx.delete(_own_url(world))


@attack(MISMATCH)
def for_another_version(world: World) -> Any:
    """Adds a version id to a URL."""
    return httpx.get(_own_url(world) + "&versionId=null")


@attack(MISMATCH)
def for_another_host(world: World) -> Any:
    """Uses a URL at another host name of the same server."""
    return httpx.get(_own_url(world).replace("localhost", "127.0.0.1"))


@attack("400 InvalidToken")
def with_the_token_of_another(world: World) -> Any:
    """Puts the owner's session token into a URL of their own."""
    return httpx.get(_with(_own_url(world), X_Amz_Security_Token=str(world.keys_of(world.owner).token)))


@attack("403 InvalidAccessKeyId")
def without_the_token(world: World) -> Any:
    """Signs a URL with temporary keys and leaves their token out."""
    keys = world.keys_of(world.stranger)
    url = world.presigned(Credentials(keys.access_key, keys.secret_key), "GET", world.stranger.folder + "shared.txt")
    return httpx.get(url)


@attack("403 AccessDenied")
def for_a_file_of_another(world: World) -> Any:
    """Signs a URL for the owner's file with their own keys."""
    return httpx.get(world.presigned(world.keys_of(world.stranger), "GET", world.treasure.key))


@attack("403 AccessDenied")
def header_added(world: World) -> Any:
    """Makes an upload URL copy the owner's file by an unsigned header."""
    url = _own_url(world, "PUT", "copy")
    return httpx.put(url, headers={"x-amz-copy-source": f"/{world.bucket}/{world.treasure.key}"})


@attack("400 AuthorizationQueryParametersError")
def parameter_twice(world: World) -> Any:
    """Gives the expiry twice."""
    return httpx.get(_own_url(world) + "&X-Amz-Expires=86400")


@attack("400 InvalidArgument")
def signature_in_both_places(world: World) -> Any:
    """Signs in the query and in the header at once."""
    credential = f"a/20260101/{world.region}/s3/aws4_request"
    return httpx.get(_own_url(world), headers={"Authorization": f"AWS4-HMAC-SHA256 Credential={credential}"})


@attack("403 AccessDenied")
def permission_taken_after_signing(world: World) -> Any:
    """Uses a URL whose signer lost the permission meanwhile."""
    keys = world.user({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    url = world.presigned(Credentials(*keys.values()), "GET", world.treasure.key)
    assert httpx.get(url).content == world.treasure.secret
    name = world.user_name(keys)
    world.admin("iam").put_user_policy(UserName=name, PolicyName="no", PolicyDocument=policy(deny("s3:*")))
    return httpx.get(url)
