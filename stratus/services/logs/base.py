"""What every group of CloudWatch Logs' operations works with."""

from collections.abc import Iterable

from stratus.service import Access, AccessRule, Call, Params, Service, Surroundings
from stratus.services.logs.store import Group, LogStore, Stream
from stratus.wire.errors import AwsError

MAX_PAGE = 50


class LogsBase(Service):
    surroundings: Surroundings
    store: LogStore

    def group_arn(self, name: str) -> str:
        return f"arn:aws:logs:{self.surroundings.region}:{self.surroundings.account}:log-group:{name}"

    def require_group(self, params: Params) -> Group:
        """The log group that a call names. Raises ResourceNotFoundException."""
        group = self.store.group(group_name(params))
        if group is None:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        return group

    def require_stream(self, group: Group, name: str) -> Stream:
        stream = self.store.stream(group, name)
        if stream is None:
            raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
        return stream


def group_name(params: Params) -> str:
    """The group's name out of `logGroupName` or `logGroupIdentifier`, of which there must be one."""
    name, identifier = params.get("logGroupName"), params.get("logGroupIdentifier")
    if (name is None) == (identifier is None):
        raise invalid("Exactly one of logGroupName and logGroupIdentifier must be given.")
    return name if name is not None else name_in_arn(identifier or "")


def name_in_arn(text: str) -> str:
    """`/aws/lambda/f` of `arn:aws:logs:r:1:log-group:/aws/lambda/f:*`; a plain name is left as it is."""
    if not text.startswith("arn:"):
        return text
    parts = text.split(":")
    if len(parts) < 7 or parts[2] != "logs" or parts[5] != "log-group":
        raise invalid(f"{text} is not the ARN of a log group.")
    return parts[6]


def on_group(action: str) -> AccessRule:
    """`action` on the log group, in the form in which AWS checks it: as a stream without a name."""

    def access(service: LogsBase, call: Call) -> Iterable[Access]:
        yield Access(action, f"{service.group_arn(group_name(call.params))}:log-stream:")

    return access


def on_stream(action: str) -> AccessRule:
    def access(service: LogsBase, call: Call) -> Iterable[Access]:
        yield Access(action, f"{service.group_arn(group_name(call.params))}:log-stream:{call.params['logStreamName']}")

    return access


def on_tagged(action: str) -> AccessRule:
    def access(service: LogsBase, call: Call) -> Iterable[Access]:
        yield Access(action, service.group_arn(name_in_arn(call.params["resourceArn"])))

    return access


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def milliseconds(now: float) -> int:
    return int(now * 1000)
