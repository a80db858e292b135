"""What came back, read alike whatever client was used: `status code`, as the attack table writes it."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import httpx
from botocore.exceptions import ClientError

PROBLEM = "urn:todolist:"
_XML_CODE = re.compile(r"<Code>([^<]*)</Code>")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. Header names are in lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def code(self) -> str:
        """AWS's error code, or the kind of the application's problem; empty when there is neither."""
        document = self._document()
        if str(document.get("type", "")).startswith(PROBLEM):
            return str(document["type"]).removeprefix(PROBLEM)
        if "x-amzn-errortype" in self.headers:
            return self.headers["x-amzn-errortype"].partition(":")[0]
        if "__type" in document:
            return str(document["__type"]).rpartition("#")[2]
        found = _XML_CODE.search(self.text)
        return found[1] if found else ""

    def _document(self) -> dict[str, Any]:
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}


def answer_of(response: httpx.Response) -> Answer:
    return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)


def seen(result: Any) -> str:
    """`status code` of an answer in any form: httpx's, boto3's, ours; text stands for itself."""
    if isinstance(result, str):
        return result
    if isinstance(result, httpx.Response):
        result = answer_of(result)
    if isinstance(result, Answer):
        return f"{result.status} {result.code}".strip()
    response = result.response if isinstance(result, ClientError) else result
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return f"{status} {response.get('Error', {}).get('Code', '')}".strip()
