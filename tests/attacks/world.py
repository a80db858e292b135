"""Who and what there is to attack: MyTodoList with an owner who has something to lose, and a stranger who wants it."""

import itertools
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.attacks.function_code import zipped
from tests.end_to_end.conftest import Person, TodoList

FRESH_FOR = 600.0
LAMBDA_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@dataclass(frozen=True)
class Treasure:
    """What the owner has: ids of the API, and a file."""

    list_id: str
    todo_id: str
    job_id: str
    key: str
    secret: bytes


class World:
    """The running application and its people. Time may move: people sign in again when their tokens get old."""

    def __init__(self, todolist: TodoList) -> None:
        self.todolist = todolist
        self.cloud = todolist.cloud
        self._people: dict[str, tuple[Person, float]] = {}
        self.made: dict[str, str] = {}
        """Names of what rows made once and use again."""
        self._numbers = itertools.count(1)

    # --- people ---

    @property
    def owner(self) -> Person:
        return self._fresh("owner")

    @property
    def stranger(self) -> Person:
        return self._fresh("stranger")

    def _fresh(self, name: str) -> Person:
        now = self.cloud.clock.now()
        if name not in self._people:
            self._people[name] = self.todolist.new_person(), now
        person, since = self._people[name]
        if now - since > FRESH_FOR:
            self._people[name] = self.todolist.sign_in(person.mail, person.password), now
        return self._people[name][0]

    def someone_new(self) -> Person:
        return self.todolist.new_person()

    @cached_property
    def treasure(self) -> Treasure:
        owner = self.owner
        list_id = owner.api.post("/lists", json={"name": "Secret list"}).json()["id"]
        todo_id = owner.api.post("/todos", json={"listId": list_id, "title": "Secret to-do"}).json()["id"]
        doomed = owner.api.post("/lists", json={"name": "Doomed"}).json()["id"]
        job_id = owner.api.delete(f"/lists/{doomed}").json()["id"]
        key = owner.folder + "diary.txt"
        owner.s3.put_object(Bucket=self.bucket, Key=key, Body=b"Secret file")
        return Treasure(list_id, todo_id, job_id, key, b"Secret file")

    def is_untouched(self) -> bool:
        """Whether the owner still has it all, as it was."""
        owner, mine = self.owner, self.treasure
        file = owner.s3.get_object(Bucket=self.bucket, Key=mine.key)["Body"].read()
        todo, of_list = owner.api.get(f"/todos/{mine.todo_id}"), owner.api.get(f"/lists/{mine.list_id}")
        kept = todo.status_code == of_list.status_code == 200
        return kept and file == mine.secret and todo.json()["title"] == "Secret to-do"

    # --- places ---

    @property
    def bucket(self) -> str:
        return self.todolist.outputs["FilesBucket"]

    @property
    def region(self) -> str:
        return self.todolist.region

    @property
    def account(self) -> str:
        return self.cloud.cloud.account

    @property
    def endpoint(self) -> str:
        return self.cloud.endpoint

    @property
    def api_url(self) -> str:
        """With the stage: `http://localhost:20002/api`."""
        return self.todolist.outputs["ApiUrl"].rstrip("/")

    @property
    def api_stage(self) -> str:
        return urlsplit(self.api_url).path

    @property
    def data(self) -> Path:
        return self.cloud.settings.data

    def unsigned(self, service: str) -> Any:
        return self.todolist.unsigned(service, self.endpoint)

    def admin(self, service: str) -> Any:
        return self.cloud.client(service)

    def as_session(self, service: str, issued: dict[str, Any]) -> Any:
        """A client with `Credentials` of STS."""
        return self.cloud.client(
            service,
            {
                "aws_access_key_id": issued["AccessKeyId"],
                "aws_secret_access_key": issued["SecretAccessKey"],
                "aws_session_token": issued["SessionToken"],
            },
        )

    def url_of(self, key: str) -> str:
        """The address of an object of the files bucket."""
        return f"{self.endpoint}/{self.bucket}/{quote(key, safe='/~')}"

    # --- making things ---

    def name(self, what: str) -> str:
        """A name that nothing else has."""
        return f"{what}-{next(self._numbers)}-{secrets.token_hex(3)}"

    def user(self, *statements: dict[str, Any]) -> dict[str, str]:
        """The credentials of a new IAM user with these statements."""
        iam, name = self.admin("iam"), self.name("user")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    def user_name(self, keys: dict[str, str]) -> str:
        """Whose credentials these are."""
        return str(self.cloud.client("sts", keys).get_caller_identity()["Arn"]).rpartition("/")[2]

    def role(self, trust: dict[str, Any], *statements: dict[str, Any]) -> str:
        """The ARN of a new role."""
        iam, name = self.admin("iam"), self.name("role")
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        return str(made["Role"]["Arn"])

    def function(self, source: str, role: str | None = None, **settings: Any) -> str:
        """The name of a new function with this Python in it."""
        name = self.name("function")
        self.admin("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="app.handler",
            Role=role or self.role(LAMBDA_TRUST),
            Code={"ZipFile": zipped(source)},
            **{"Timeout": 10, "MemorySize": 256, **settings},
        )
        return name

    def invoke(self, function: str, event: Any) -> Any:
        """The answer of a function; its error's document when it failed."""
        answer = self.admin("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())

    # --- signing by hand ---

    @property
    def admin_keys(self) -> Credentials:
        keys = self.cloud.cloud.administrator
        return Credentials(keys.access_key_id, keys.secret_access_key)

    @staticmethod
    def keys_of(person: Person) -> Credentials:
        return Credentials(
            person.credentials["aws_access_key_id"],
            person.credentials["aws_secret_access_key"],
            person.credentials["aws_session_token"],
        )

    def presigned(self, keys: Credentials, method: str, key: str, seconds: int = 300) -> str:
        """A URL for an object of the files bucket, signed for `seconds`."""
        request = AWSRequest(method, self.url_of(key))
        S3SigV4QueryAuth(keys, "s3", self.region, expires=seconds).add_auth(request)
        return str(request.url)

    # --- time ---

    @contextmanager
    def later(self, seconds: float) -> Iterator[None]:
        """The cloud's time moves on, and stays there: whoever comes next signs in again."""
        self.cloud.advance(seconds)
        yield


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def get(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers, timeout=30)
