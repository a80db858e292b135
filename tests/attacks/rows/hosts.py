"""The server: hosts, smuggling, addresses of administration"""

from typing import Any
from urllib.parse import urlsplit

from tests.attacks import raw
from tests.attacks.table import attack
from tests.attacks.world import World

REFUSED = "400"


@attack(
    {
        "{bucket}.s3.localhost": "403 AccessDenied",
        "{bucket}.s3.eu-central-1.amazonaws.com": "403 AccessDenied",
        "s3.localhost": "403 AccessDenied",
        "../{bucket}.s3.localhost": "400 InvalidBucketName",
        "x/../{bucket}.s3.localhost": "400 InvalidBucketName",
        "dynamodb.eu-central-1.amazonaws.com": "400 UnknownOperationException",
        "iam.amazonaws.com": "400 MissingAction",
        "localhost.evil.example": "403 AccessDenied",
        "169.254.169.254": "403 AccessDenied",
        "metadata.google.internal": "403 AccessDenied",
    }
)
def host(world: World, name: str) -> Any:
    """Asks for the owner's file, unsigned, with the Host {}."""
    key = world.treasure.key
    virtual = ".s3." in name and not name.startswith("s3.")
    return raw.get(
        world.endpoint,
        f"/{key}" if virtual else f"/{world.bucket}/{key}",
        f"Host: {name.replace('{bucket}', world.bucket)}",
    )


@attack("401 unauthorized")
def host_of_the_endpoint_at_the_api(world: World) -> Any:
    """Asks the API's address for to-dos with the Host of the AWS endpoint."""
    return raw.get(world.api_url, "/api/todos", f"Host: {urlsplit(world.endpoint).netloc}")


@attack("404 NoSuchBucket")
def host_of_the_api_at_the_endpoint(world: World) -> Any:
    """Asks the AWS endpoint for to-dos with the Host of the API and a right token."""
    return raw.get(
        world.endpoint, "/api/todos", f"Host: {urlsplit(world.api_url).netloc}", "Origin: https://evil.example"
    )


@attack(dict.fromkeys(["X-Forwarded-Host", "X-Host", "X-Forwarded-Server", "Forwarded"], "403 AccessDenied"))
def forwarded_host(world: World, name: str) -> Any:
    """Names the bucket's virtual host by the header {}."""
    return raw.get(world.endpoint, f"/{world.bucket}/{world.treasure.key}", f"{name}: {world.bucket}.s3.localhost")


@attack(REFUSED)
def two_hosts(world: World) -> Any:
    """Sends two Host headers."""
    return raw.send(world.endpoint, b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: iam.amazonaws.com\r\n\r\n")


@attack(REFUSED)
def no_host(world: World) -> Any:
    """Sends no Host header."""
    return raw.send(world.endpoint, b"GET / HTTP/1.1\r\n\r\n")


SMUGGLED = {
    "two lengths": "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a length and chunks": "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    "chunks and a length": "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    "chunks that are not the last encoding": "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "an encoding of nobody": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked behind a vertical tab": "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": "Content-Length : 5\r\n\r\nhello",
    "a folded header": "X-Folded: a\r\n Content-Length: 5\r\n\r\nhello",
    "a negative length": "Content-Length: -1\r\n\r\n",
    "a length with a sign": "Content-Length: +5\r\n\r\nhello",
    "a length in hexadecimal": "Content-Length: 0x5\r\n\r\nhello",
    "a length past 64 bits": "Content-Length: 99999999999999999999999999\r\n\r\n",
    "a chunk size past 64 bits": "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff1\r\na\r\n0\r\n\r\n",
    "a chunk longer than its size": "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "a NUL in a header": "X-Nul: a\0b\r\n\r\n",
    "a bare carriage return": "X-Bare: a\rContent-Length: 5\r\n\r\nhello",
    "a header without a name": ": nothing\r\n\r\n",
}


IN_THE_BODY = ("an encoding of nobody", "a chunk size past 64 bits", "a chunk longer than its size")


@attack(dict.fromkeys(SMUGGLED, REFUSED) | dict.fromkeys(IN_THE_BODY, "400 RequestTimeout"))
def smuggles(world: World, how: str) -> Any:
    """Hides a second request in the first by {}."""
    head = "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AWSCognitoIdentityProviderService.SignUp\r\n"
    return raw.send(world.endpoint, (head + SMUGGLED[how]).encode("latin-1"))


@attack({"HTTP/0.9": REFUSED, "HTTP/2.0": REFUSED, "HTTP/1.1x": REFUSED})
def version(world: World, text: str) -> Any:
    """Speaks {}."""
    return raw.send(world.endpoint, f"GET / {text}\r\nHost: localhost\r\n\r\n".encode())


@attack(REFUSED)
def tls_to_the_plain_port(world: World) -> Any:
    """Begins TLS at the plain port."""
    return raw.send(world.endpoint, bytes.fromhex("16030100c8010000c40303") + b"\0" * 200)


@attack({"h2c": "403 AccessDenied", "websocket": "403 AccessDenied"})
def upgrades(world: World, protocol: str) -> Any:
    """Asks to go on with {}, to be past whoever looks at requests."""
    return raw.get(world.endpoint, f"/{world.bucket}", f"Upgrade: {protocol}", "Connection: Upgrade")


ADDRESSES = (
    "/_localstack/health",
    "/_localstack/init",
    "/_localstack/config",
    "/_moto-api/reset",
    "/moto-api/data.json",
    "/_ministack/reset",
    "/_aws/ses",
    "/_aws/lambda/runtimes",
    "/health",
    "/metrics",
    "/admin",
    "/debug/pprof/",
    "/shell/",
    "/server-status",
    "/actuator/env",
    "/.env",
    "/.git/config",
    "/ports.json",
    "/iam/key",
    "/2018-06-01/runtime/invocation/next",
    "/latest/meta-data/iam/security-credentials/",
    "/openapi.json",
    "/docs",
)


@attack({path: "400 InvalidBucketName" if path[1] in "_." else "404 NoSuchBucket" for path in ADDRESSES})
def asks_for(world: World, path: str) -> Any:
    """Asks the endpoint for {}: unsigned, any path is a bucket that does not exist."""
    return raw.get(world.endpoint, path)


@attack(
    dict.fromkeys(("/_localstack/health", "/metrics", "/2018-06-01/runtime/invocation/next"), "403 ForbiddenException")
)
def asks_the_api_for(world: World, path: str) -> Any:
    """Asks the API's address for {}."""
    return raw.get(world.api_url, path)


@attack({"jwks.json": "200", "openid-configuration": "200", "../../iam/key": "400"})
def discovery(world: World, name: str) -> Any:
    """Asks for {} below the user pool's well-known address: public keys are all there is."""
    answer = raw.get(world.endpoint, f"/{world.todolist.outputs['UserPoolId']}/.well-known/{name}")
    assert b'"d"' not in answer.body
    assert b"PRIVATE" not in answer.body
    return str(answer.status)


@attack({"endpoint": "not with credentials", "api": "not with credentials"})
def page_of_another_origin(world: World, place: str) -> Any:
    """Lets a page of another origin ask the {}: no answer may be read together with what the browser would send by itself."""
    url, path = (world.endpoint, f"/{world.bucket}/x") if place == "endpoint" else (world.api_url, "/api/todos")
    fields = ("Origin: https://evil.example", "Access-Control-Request-Method: PUT")
    answers = [raw.get(url, path, *fields, method=method) for method in ("GET", "OPTIONS")]
    allowed = [answer.headers.get("access-control-allow-credentials") for answer in answers]
    return "not with credentials" if allowed == [None, None] else str(allowed)
