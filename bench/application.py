"""Warm `GET /todos` of 50 to-dos, signed in: through API Gateway, Cognito's authorizer, Lambda and DynamoDB."""

import json
import secrets
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench.driver import measure
from bench.load import Outcome
from bench.requests import raw
from bench.servers import Server

TODOS = 50
COUNT = 4_000
PEER_TEMPLATE = Path(__file__).with_name("peer.yaml")


def todolist(server: Server) -> Outcome:
    """The application itself."""
    out = server.outputs
    token = _sign_in(server, out["UserPoolId"], out["UserPoolClientId"])
    listed = _post(out["ApiUrl"] + "/lists", token, {"name": "bench"})["id"]
    for number in range(TODOS):
        _post(out["ApiUrl"] + "/todos", token, {"listId": listed, "title": f"to-do {number}", "notes": "x" * 100})
    return _measure(server, f"{out['ApiUrl']}/todos?list={listed}&limit={TODOS}", token)


def peer(server: Server) -> Outcome:
    """The smallest thing of the same shape (`peer.yaml`): one Query of 50 documents by boto3, joined into one body."""
    cloudformation = server.client("cloudformation")
    cloudformation.create_stack(
        StackName="bench", TemplateBody=PEER_TEMPLATE.read_text(), Capabilities=["CAPABILITY_IAM"]
    )
    outputs = _outputs(cloudformation)
    token = _password_sign_in(server, outputs["UserPoolId"], outputs["UserPoolClientId"])
    table = server.client("dynamodb")
    for number in range(TODOS):
        todo = {"id": str(number), "title": f"to-do {number}", "notes": "x" * 100, "done": False}
        key = {"pk": {"S": "user"}, "sk": {"S": f"{number:06}"}}
        table.put_item(TableName=outputs["TableName"], Item={**key, "doc": {"S": json.dumps(todo)}})
    url = f"{server.url}restapis/{outputs['ApiId']}/api/_user_request_/todos"
    return _measure(server, url, token)


def _measure(server: Server, url: str, token: str) -> Outcome:
    port = int(url.split("/")[2].split(":")[1])
    request = raw("GET", url, b"", {"Authorization": token})
    return measure(server, [request], COUNT, port=port)


def _sign_in(server: Server, pool: str, client_id: str) -> str:
    from pycognito.aws_srp import AWSSRP

    idp = server.client("cognito-idp")
    password = _make_user(idp, pool)
    srp = AWSSRP(username="bench@example.org", password=password, pool_id=pool, client_id=client_id, client=idp)
    token: str = srp.authenticate_user()["AuthenticationResult"]["IdToken"]
    return token


def _password_sign_in(server: Server, pool: str, client_id: str) -> str:
    idp = server.client("cognito-idp")
    given = {"USERNAME": "bench@example.org", "PASSWORD": _make_user(idp, pool)}
    answer = idp.initiate_auth(ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given)
    token: str = answer["AuthenticationResult"]["IdToken"]
    return token


def _make_user(idp: Any, pool: str) -> str:
    mail, password = "bench@example.org", f"Aa1!{secrets.token_hex(12)}"
    attributes = [{"Name": "email", "Value": mail}, {"Name": "email_verified", "Value": "true"}]
    idp.admin_create_user(UserPoolId=pool, Username=mail, MessageAction="SUPPRESS", UserAttributes=attributes)
    idp.admin_set_user_password(UserPoolId=pool, Username=mail, Password=password, Permanent=True)
    return password


def _post(url: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": token, "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        made: dict[str, Any] = json.load(answer)
    return made


def _outputs(cloudformation: Any) -> dict[str, str]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        stack = cloudformation.describe_stacks(StackName="bench")["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        if stack["StackStatus"].endswith(("FAILED", "ROLLBACK_COMPLETE")):
            raise RuntimeError(stack)
        time.sleep(0.1)
    raise RuntimeError("the peer's stack did not come up")
