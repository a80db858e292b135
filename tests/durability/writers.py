"""Writers to every service, each remembering what was acknowledged, and how to see that it is still there."""

import hashlib
import io
import json
import secrets
import threading
import time
import zipfile
from abc import ABC, abstractmethod
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from tests.durability.stratus_process import StratusProcess

GONE = (BotoCoreError, httpx.TransportError)


class Writer(ABC):
    """Writes until the server goes away. `acknowledged` maps names to what must be found under them."""

    def __init__(self, server: StratusProcess) -> None:
        self.server = server
        self.acknowledged: dict[str, str] = {}
        self.failures: list[str] = []
        self._unchecked: list[str] = []

    def prepare(self) -> None:  # noqa: B027 - most have nothing to prepare
        """Once, before the first kill."""

    @abstractmethod
    def connect(self) -> None:
        """After each start."""

    @abstractmethod
    def write(self, name: str) -> str:
        """Returns what `find` must answer for `name` from now on."""

    @abstractmethod
    def find(self, name: str) -> str: ...

    def run(self) -> None:
        while True:
            name = secrets.token_hex(8)
            try:
                value = self.write(name)
            except GONE:
                return
            except ClientError as error:
                self.failures.append(str(error))
                return
            self.acknowledged[name] = value
            self._unchecked.append(name)

    def check(self) -> None:
        """What was acknowledged since the last check is there."""
        assert not self.failures, f"{type(self).__name__}: {self.failures}"
        self.connect()
        for name in self._unchecked:
            assert self.find(name) == self.acknowledged[name], f"{type(self).__name__} lost {name}"
        self._unchecked.clear()


class Items(Writer):
    """DynamoDB PutItem and UpdateItem."""

    table = "durability"

    def prepare(self) -> None:
        self.server.client("dynamodb").create_table(
            TableName=self.table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )

    def connect(self) -> None:
        self.client = self.server.client("dynamodb")

    def write(self, name: str) -> str:
        self.client.put_item(TableName=self.table, Item={"id": {"S": name}, "v": {"S": name}})
        return name

    def find(self, name: str) -> str:
        item = self.client.get_item(TableName=self.table, Key={"id": {"S": name}}, ConsistentRead=True).get("Item", {})
        return str(item.get("v", {}).get("S"))


class Objects(Writer):
    """S3 PutObject, small and large."""

    bucket = "durability-objects"

    def prepare(self) -> None:
        here = {"LocationConstraint": self.server.ready["region"]}
        self.server.client("s3").create_bucket(Bucket=self.bucket, CreateBucketConfiguration=here)

    def connect(self) -> None:
        self.client = self.server.client("s3")

    def write(self, name: str) -> str:
        body = secrets.token_bytes(secrets.choice([10, 10_000, 300_000]))
        self.client.put_object(Bucket=self.bucket, Key=name, Body=body)
        return hashlib.sha256(body).hexdigest()

    def find(self, name: str) -> str:
        return hashlib.sha256(self.client.get_object(Bucket=self.bucket, Key=name)["Body"].read()).hexdigest()


class Uploads(Objects):
    """S3 multipart uploads: created, one part, completed."""

    bucket = "durability-uploads"

    def write(self, name: str) -> str:
        body = secrets.token_bytes(50_000)
        upload = self.client.create_multipart_upload(Bucket=self.bucket, Key=name)["UploadId"]
        part = self.client.upload_part(Bucket=self.bucket, Key=name, UploadId=upload, PartNumber=1, Body=body)
        self.client.complete_multipart_upload(
            Bucket=self.bucket,
            Key=name,
            UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
        )
        return hashlib.sha256(body).hexdigest()


class SignUps(Writer):
    """Cognito SignUp: the user is there, and so is the mail with the code."""

    def connect(self) -> None:
        self.client = self.server.client("cognito-idp")

    def write(self, name: str) -> str:
        mail = f"{name}@example.org"
        attributes = [{"Name": "email", "Value": mail}]
        client_id = self.server.outputs["UserPoolClientId"]
        self.client.sign_up(ClientId=client_id, Username=mail, Password="Aa1!" + name, UserAttributes=attributes)
        return mail

    def find(self, name: str) -> str:
        mail = f"{name}@example.org"
        found = self.client.admin_get_user(UserPoolId=self.server.outputs["UserPoolId"], Username=mail)
        new = (self.server.data / "mail" / "new").iterdir()
        assert any(f"To: {mail}".encode() in message.read_bytes() for message in new), f"no mail to {mail}"
        return next(item["Value"] for item in found["UserAttributes"] if item["Name"] == "email")


class Users(Writer):
    """IAM CreateUser with an inline policy."""

    def connect(self) -> None:
        self.client = self.server.client("iam")

    def write(self, name: str) -> str:
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*", "Sid": name}],
        }
        self.client.create_user(UserName=name)
        self.client.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
        return name

    def find(self, name: str) -> str:
        document = self.client.get_user_policy(UserName=name, PolicyName="p")["PolicyDocument"]
        return str(document["Statement"][0]["Sid"])


class Identities(Writer):
    """Identity pools."""

    def connect(self) -> None:
        self.client = self.server.client("cognito-identity")

    def write(self, name: str) -> str:
        made = self.client.create_identity_pool(IdentityPoolName=name, AllowUnauthenticatedIdentities=False)
        self.acknowledged[name + "-id"] = made["IdentityPoolId"]
        return name

    def find(self, name: str) -> str:
        pool = self.client.describe_identity_pool(IdentityPoolId=self.acknowledged[name + "-id"])
        return str(pool["IdentityPoolName"])


class Events(Writer):
    """CloudWatch Logs PutLogEvents."""

    group = "/durability"

    def prepare(self) -> None:
        client = self.server.client("logs")
        client.create_log_group(logGroupName=self.group)

    def connect(self) -> None:
        self.client = self.server.client("logs")

    def write(self, name: str) -> str:
        self.client.create_log_stream(logGroupName=self.group, logStreamName=name)
        event = {"timestamp": int(time.time() * 1000), "message": name}
        self.client.put_log_events(logGroupName=self.group, logStreamName=name, logEvents=[event])
        return name

    def find(self, name: str) -> str:
        events = self.client.get_log_events(logGroupName=self.group, logStreamName=name)["events"]
        return str(events[0]["message"]) if events else "nothing"


class Apis(Writer):
    """API Gateway: an API imported."""

    def connect(self) -> None:
        self.client = self.server.client("apigateway")

    def write(self, name: str) -> str:
        made = self.client.create_rest_api(name=name)
        self.acknowledged[name + "-id"] = made["id"]
        return name

    def find(self, name: str) -> str:
        return str(self.client.get_rest_api(restApiId=self.acknowledged[name + "-id"])["name"])


class Invocations(Writer):
    """Lambda's asynchronous invocations: what was accepted runs, after the crash if not before it."""

    function = "durability"
    code = (
        "import boto3\n"
        "client = boto3.client('dynamodb')\n"
        "def handler(event, context):\n"
        "    client.put_item(TableName='durability', Item={'id': {'S': event['name']}, 'v': {'S': event['name']}})\n"
    )

    def prepare(self) -> None:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
        iam = self.server.client("iam")
        role = iam.create_role(RoleName="durability", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        allowed = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "*"}],
        }
        iam.put_role_policy(RoleName="durability", PolicyName="p", PolicyDocument=json.dumps(allowed))
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("main.py", self.code)
        self.server.client("lambda").create_function(
            FunctionName=self.function,
            Runtime="python3.13",
            Role=role,
            Handler="main.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=30,
            MemorySize=512,
        )

    def connect(self) -> None:
        self.client = self.server.client("lambda")
        self.items = self.server.client("dynamodb")

    def write(self, name: str) -> str:
        self.client.invoke(FunctionName=self.function, InvocationType="Event", Payload=json.dumps({"name": name}))
        return name

    def find(self, name: str) -> str:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            item = self.items.get_item(TableName="durability", Key={"id": {"S": name}}, ConsistentRead=True).get("Item")
            if item:
                return str(item["v"]["S"])
            threading.Event().wait(0.05)
        return "never ran"


class Todos(Writer):
    """The application itself: lists made through API Gateway, Lambda and DynamoDB."""

    def prepare(self) -> None:
        client = self.server.client("cognito-idp")
        self._mail, self._password = "owner@example.org", "Aa1!" + secrets.token_hex(8)
        pool = self.server.outputs["UserPoolId"]
        client.admin_create_user(
            UserPoolId=pool,
            Username=self._mail,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": self._mail}, {"Name": "email_verified", "Value": "true"}],
        )
        client.admin_set_user_password(UserPoolId=pool, Username=self._mail, Password=self._password, Permanent=True)

    def connect(self) -> None:
        from pycognito.aws_srp import AWSSRP

        outputs = self.server.outputs
        srp = AWSSRP(
            username=self._mail,
            password=self._password,
            pool_id=outputs["UserPoolId"],
            client_id=outputs["UserPoolClientId"],
            client=self.server.client("cognito-idp"),
        )
        token = srp.authenticate_user()["AuthenticationResult"]["IdToken"]
        self.api = httpx.Client(base_url=outputs["ApiUrl"], headers={"Authorization": token}, timeout=30)

    def write(self, name: str) -> str:
        made = self.api.post("/lists", json={"name": name})
        if made.status_code >= 500:
            raise httpx.TransportError(f"going down: {made.text}")
        assert made.status_code == 201, made.text
        identifier: str = made.json()["id"]
        self.acknowledged[name + "-id"] = identifier
        return name

    def find(self, name: str) -> str:
        found: dict[str, Any] = self.api.get(f"/lists/{self.acknowledged[name + '-id']}").json()
        return str(found.get("name"))


ALL = (Items, Objects, Uploads, SignUps, Users, Identities, Events, Apis, Invocations, Todos)
