"""Clients that know nothing of us: the AWS CLI, aws4fetch in Node, pycognito, curl."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from pycognito import Cognito

from tests.end_to_end.conftest import Person, TodoList

ROOT = Path(__file__).resolve().parents[2]
AWS = Path(sys.executable).with_name("aws")
NODE = Path(sys.executable).with_name("node")


def aws(todolist: TodoList, person: Person, *arguments: str, url: str | None = None) -> Any:
    """Runs the AWS CLI as `person`; its JSON answer, or its text."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": person.credentials["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": person.credentials["aws_secret_access_key"],
        "AWS_SESSION_TOKEN": person.credentials["aws_session_token"],
        "AWS_DEFAULT_REGION": todolist.region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_CA_BUNDLE": str(todolist.cloud.cloud.ca),
        "AWS_ENDPOINT_URL": url or todolist.cloud.endpoint,
    }
    done = subprocess.run(
        [AWS, *arguments, "--output", "json"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        return done.stdout


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_aws_cli_keeps_files_in_ones_own_folder(todolist: TodoList, tmp_path: Path, scheme: str) -> None:
    person = todolist.new_person()
    cloud = todolist.cloud
    url = cloud.endpoint if scheme == "http" else cloud.secure_endpoint
    bucket = f"s3://{todolist.outputs['FilesBucket']}/{person.folder}"
    large, back = tmp_path / "large", tmp_path / "back"
    large.write_bytes(os.urandom(12_000_000))

    assert aws(todolist, person, "sts", "get-caller-identity", url=url)["Account"] == cloud.cloud.account
    aws(todolist, person, "s3", "cp", str(large), bucket + "large", url=url)
    listed = aws(todolist, person, "s3", "ls", bucket, url=url)
    aws(todolist, person, "s3", "cp", bucket + "large", str(back), url=url)
    aws(todolist, person, "s3", "rm", bucket + "large", url=url)

    assert "12000000 large" in listed
    assert back.read_bytes() == large.read_bytes()


def test_aws4fetch_keeps_files_in_ones_own_folder(todolist: TodoList) -> None:
    person = todolist.new_person()
    client = ROOT / ".venv" / "clients" / "aws4fetch.mjs"
    client.write_bytes((ROOT / "tests" / "clients" / "aws4fetch.mjs").read_bytes())
    given = {
        "url": todolist.outputs["FilesUrl"],
        "region": todolist.region,
        "prefix": person.folder,
        "accessKeyId": person.credentials["aws_access_key_id"],
        "secretAccessKey": person.credentials["aws_secret_access_key"],
        "sessionToken": person.credentials["aws_session_token"],
    }
    done = subprocess.run([NODE, client, json.dumps(given)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "put": 200,
        "get": [200, True, "text/plain"],
        "presigned": [200, True],
        "list": [200, True],
        "foreign": 403,
        "delete": 204,
        "gone": 403,
    }


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_pycognito_signs_up_in_and_out(todolist: TodoList, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """It wants the tokens' issuer to be the address it was given, and fetches the pool's keys below it."""
    outputs, cloud = todolist.outputs, todolist.cloud
    endpoint = outputs["CognitoIdpUrl"] if scheme == "http" else cloud.secure_endpoint
    for variable in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(variable, str(cloud.cloud.ca))
    mail = f"pycognito-{scheme}@example.org"
    client = Cognito(
        outputs["UserPoolId"],
        outputs["UserPoolClientId"],
        username=mail,
        boto3_client_kwargs={"endpoint_url": endpoint},
    )
    client.set_base_attributes(email=mail)
    client.register(mail, "Aa1!correct-horse")
    client.confirm_sign_up(todolist.code_for(mail), username=mail)
    client.authenticate(password="Aa1!correct-horse")
    assert client.id_claims["email"] == mail
    client.renew_access_token()
    assert httpx.get(outputs["ApiUrl"] + "/me", headers={"Authorization": client.id_token}).status_code == 200
    refresh_token = client.refresh_token
    client.logout()
    client.refresh_token = refresh_token
    with pytest.raises(client.client.exceptions.NotAuthorizedException):
        client.renew_access_token()


def test_curl_speaks_to_the_api(todolist: TodoList) -> None:
    person = todolist.new_person()
    done = subprocess.run(
        ["curl", "-sS", "-H", f"Authorization: {person.tokens['IdToken']}", todolist.outputs["ApiUrl"] + "/me"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert json.loads(done.stdout)["email"] == person.mail
