"""Every resource type that Stratus makes: one module each."""

from stratus.template.resource import ResourceType
from stratus.template.resources.api_account import ApiAccount
from stratus.template.resources.api_deployment import ApiDeployment
from stratus.template.resources.api_stage import ApiStage
from stratus.template.resources.bucket import Bucket
from stratus.template.resources.bucket_policy import BucketPolicy
from stratus.template.resources.cloudwatch_alarm import CloudWatchAlarm
from stratus.template.resources.event_invoke_config import EventInvokeConfig
from stratus.template.resources.function import Function
from stratus.template.resources.gateway_response import GatewayResponse
from stratus.template.resources.identity_pool import IdentityPool
from stratus.template.resources.identity_pool_roles import IdentityPoolRoles
from stratus.template.resources.log_group import LogGroup
from stratus.template.resources.managed_policy import ManagedPolicy
from stratus.template.resources.permission import Permission
from stratus.template.resources.rest_api import RestApi
from stratus.template.resources.role import Role
from stratus.template.resources.role_policy import RolePolicy
from stratus.template.resources.table import Table
from stratus.template.resources.user_pool import UserPool
from stratus.template.resources.user_pool_client import UserPoolClient

_TYPES: dict[str, ResourceType] = {
    each.type: each
    for each in (
        ApiAccount(),
        ApiDeployment(),
        ApiStage(),
        Bucket(),
        BucketPolicy(),
        CloudWatchAlarm(),
        EventInvokeConfig(),
        Function(),
        GatewayResponse(),
        IdentityPool(),
        IdentityPoolRoles(),
        LogGroup(),
        ManagedPolicy(),
        Permission(),
        RestApi(),
        Role(),
        RolePolicy(),
        Table(),
        UserPool(),
        UserPoolClient(),
    )
}


def resource_type(name: str) -> ResourceType:
    """The maker of a type of resources, `AWS::S3::Bucket`. KeyError for one that Stratus does not make."""
    return _TYPES[name]


def resource_types() -> frozenset[str]:
    """The names of all types."""
    return frozenset(_TYPES)
