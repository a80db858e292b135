"""What has a scheme and is ours moves to localhost; what merely looks like a host stays."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratus.addresses import LocalAddresses, NoPortLeft

POOL = "eu-central-1_AbCdEf123"


def addresses(directory: Path, **settings: object) -> LocalAddresses:
    return LocalAddresses(directory / "ports.json", **{"port_base": 4566, **settings})  # type: ignore[arg-type]


@pytest.fixture
def local(tmp_path: Path) -> LocalAddresses:
    made = addresses(tmp_path)
    assert made.port_of("execute-api", "eu-central-1", "abc123") == 4568
    assert made.port_of("cloudfront", "", "d111") == 4570
    return made


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("https://abc123.execute-api.eu-central-1.amazonaws.com/prod", "http://localhost:4568/prod"),
        ("https://abc123.execute-api.eu-central-1.amazonaws.com:443/prod?a=b", "http://localhost:4568/prod?a=b"),
        ("https://d111.cloudfront.net", "http://localhost:4570"),
        ("https://files.s3.eu-central-1.amazonaws.com/a/b.txt", "http://localhost:4566/files/a/b.txt"),
        ("https://files.s3.amazonaws.com", "http://localhost:4566/files"),
        ("https://files.s3.dualstack.eu-central-1.amazonaws.com/", "http://localhost:4566/files/"),
        ("https://my.dotted.s3.eu-central-1.amazonaws.com/x", "http://localhost:4566/my.dotted/x"),
        ("https://s3.eu-central-1.amazonaws.com/files", "http://localhost:4566/files"),
        ("https://cognito-idp.eu-central-1.amazonaws.com", "http://localhost:4566"),
        ("https://cognito-idp.eu-central-1.amazonaws.com/", "http://localhost:4566/"),
        ("https://cognito-identity.eu-central-1.amazonaws.com", "http://localhost:4566"),
        ("https://sts.amazonaws.com", "http://localhost:4566"),
        ("https://DynamoDB.eu-central-1.amazonaws.com", "http://localhost:4566"),
        (
            f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}/.well-known/jwks.json",
            f"http://localhost:4566/{POOL}/.well-known/jwks.json",
        ),
        (
            "see https://sts.amazonaws.com, or https://d111.cloudfront.net/x!",
            "see http://localhost:4566, or http://localhost:4570/x!",
        ),
    ],
)
def test_urls_of_ours_move_here(local, text, here):
    assert local.localise(text) == here


@pytest.mark.parametrize(
    "text",
    [
        f"cognito-idp.eu-central-1.amazonaws.com/{POOL}",
        "cognito-identity.amazonaws.com:sub",
        "lambda.amazonaws.com",
        "files.s3.eu-central-1.amazonaws.com",
        f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}",
        "https://cognito-identity.amazonaws.com",
        "https://other99999.execute-api.eu-central-1.amazonaws.com/prod",
        "https://d999.cloudfront.net",
        "https://*.cloudfront.net",
        "https://docs.aws.amazon.com/s3",
        "https://s3.amazonaws.com.evil.example/x",
        "https://sts.amazonaws.com@evil.example/x",
        "https://ec2.eu-central-1.amazonaws.com",
        "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/x/invocations",
        "ftp://s3.amazonaws.com/x",
    ],
)
def test_names_issuers_and_strangers_stay(local, text):
    assert local.localise(text) == text


@given(st.text(max_size=200))
def test_text_without_an_amazon_host_is_never_touched(tmp_path_factory, text):
    if "amazonaws.com" not in text and "cloudfront.net" not in text:
        assert addresses(tmp_path_factory.getbasetemp()).localise(text) == text


@given(
    st.sampled_from(["s3", "sts", "b.s3", "cognito-idp.eu-west-1", "x.y.z", "abc123.execute-api.eu-central-1"]),
    st.text("/ab_.-", max_size=8),
)
def test_localising_twice_is_localising_once(tmp_path_factory, host, path):
    here = addresses(tmp_path_factory.getbasetemp())
    once = here.localise(f"https://{host}.amazonaws.com{path}")
    assert here.localise(once) == once


def test_a_site_keeps_its_ports_over_restarts_and_bases(tmp_path, local):
    assert addresses(tmp_path).port_of("cloudfront", "", "d111") == 4570
    assert addresses(tmp_path, port_base=9000).port_of("cloudfront", "", "d111") == 9004
    assert addresses(tmp_path).localise("https://d111.cloudfront.net") == "http://localhost:4570"


def test_all_ports_lie_in_the_twenty_and_are_refused_after_that(tmp_path):
    here = addresses(tmp_path)
    given_away = [here.port_of("execute-api", "eu-central-1", f"api{number}") for number in range(9)]
    assert given_away == list(range(4568, 4586, 2))

    with pytest.raises(NoPortLeft, match="4566 to 4585"):
        here.port_of("execute-api", "eu-central-1", "one-too-many")

    here.release("execute-api", "eu-central-1", "api4")
    assert here.port_of("execute-api", "eu-central-1", "one-more") == given_away[4]


def test_once_the_authority_is_trusted_addresses_are_https(tmp_path, local):
    (tmp_path / "trusted").touch()
    here = addresses(tmp_path)

    assert here.localise("https://abc123.execute-api.eu-central-1.amazonaws.com/prod") == "https://localhost:4569/prod"
    assert here.public_endpoint == "https://localhost:4567"
    assert here.endpoint == "http://localhost:4566"


def test_a_public_url_gives_scheme_and_name(tmp_path, local):
    here = addresses(tmp_path, public_url="https://cloud.example.org")

    assert here.localise("https://d111.cloudfront.net/x") == "https://cloud.example.org:4571/x"


@pytest.mark.parametrize(
    "url",
    ["cloud.example.org", "ftp://cloud.example.org", "https://cloud.example.org/path", "https://cloud.example.org:99"],
)
def test_a_public_url_that_is_more_or_less_than_scheme_and_name_is_refused(tmp_path, url):
    with pytest.raises(ValueError, match="public URL"):
        addresses(tmp_path, public_url=url)


@pytest.mark.parametrize(
    ("host", "secure", "expected"),
    [
        ("localhost:4566", False, "http://localhost:4566"),
        ("127.0.0.1:4566", False, "http://127.0.0.1:4566"),
        ("[::1]:4566", False, "http://[::1]:4566"),
        ("localhost:4567", True, "https://localhost:4567"),
        ("localhost:4567", False, None),
        ("localhost:4566", True, None),
        ("localhost", False, None),
        ("evil.example:4566", False, None),
        ("localhost:4566@evil.example", False, None),
        ("", False, None),
        ("cognito-idp.eu-central-1.amazonaws.com", False, None),
    ],
)
def test_only_our_own_addresses_are_taken_from_a_host_header(
    tmp_path: Path, host: str, secure: bool, expected: str | None
) -> None:
    addresses = LocalAddresses(tmp_path / "ports.json", port_base=4566)
    assert addresses.endpoint_of(host, secure=secure) == expected
    if expected:
        assert addresses.is_endpoint(expected)
        assert not addresses.is_endpoint(expected + "/")
