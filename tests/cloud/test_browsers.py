"""Pages call Cognito directly, and STS: what a browser asks first, and what it needs to let the page read the answer."""

import httpx
import pytest

from tests.cloud_under_test import CloudUnderTest

ORIGIN = "http://localhost:5173"
EXPOSED = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"


def preflight(cloud: CloudUnderTest, headers: str) -> httpx.Response:
    asked = {
        "origin": ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": headers,
        "sec-fetch-mode": "cors",
    }
    return httpx.options(f"{cloud.endpoint}/", headers=asked)


@pytest.mark.parametrize(
    "headers", ["content-type,x-amz-target,x-amz-user-agent", "X-Amz-Target, Content-Type", "amz-sdk-request"]
)
def test_given_a_preflight_when_it_asks_for_headers_then_they_are_allowed(cloud: CloudUnderTest, headers: str) -> None:
    answer = preflight(cloud, headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == headers
    assert int(answer.headers["access-control-max-age"]) > 0


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"x-amz-target": "AWSCognitoIdentityProviderService.GetUser"}, b'{"AccessToken":"x"}', 400),
        ({"x-amz-target": "AWSCognitoIdentityProviderService.InitiateAuth"}, b"{", 400),
        ({"x-amz-target": "AWSCognitoIdentityService.GetId"}, b'{"IdentityPoolId":"eu-central-1:x"}', 400),
        (
            {"content-type": "application/x-www-form-urlencoded"},
            b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15",
            400,
        ),
    ],
)
def test_given_a_refusal_when_a_page_asked_then_it_may_read_why(
    cloud: CloudUnderTest, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = httpx.post(f"{cloud.endpoint}/", headers={"origin": ORIGIN, **headers}, content=body)
    assert answer.status_code == status
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert answer.headers["access-control-expose-headers"] == EXPOSED


def test_given_an_answer_when_no_page_asked_then_it_says_nothing_of_pages(cloud: CloudUnderTest) -> None:
    headers = {"x-amz-target": "AWSCognitoIdentityProviderService.GetUser"}
    answer = httpx.post(f"{cloud.endpoint}/", headers=headers, content=b'{"AccessToken":"x"}')
    assert "access-control-allow-origin" not in answer.headers


def test_given_a_page_when_it_reads_the_keys_of_a_pool_then_one_origin_header_says_that_it_may(
    cloud: CloudUnderTest,
) -> None:
    pool = cloud.client("cognito-idp").create_user_pool(PoolName="pages")["UserPool"]["Id"]
    answer = httpx.get(f"{cloud.endpoint}/{pool}/.well-known/jwks.json", headers={"origin": ORIGIN})
    assert answer.status_code == 200
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]


def test_given_a_bucket_without_rules_when_a_page_asks_first_then_it_is_still_refused(cloud: CloudUnderTest) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "PUT"}
    assert httpx.options(f"{cloud.endpoint}/bucket/key", headers=asked).status_code == 403
