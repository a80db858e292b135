"""The IAM API. Source: IAM API Reference (2010-05-08)."""

from stratus.services.iam.policies import PolicyOperations
from stratus.services.iam.roles import RoleOperations
from stratus.services.iam.users import UserOperations


class IamService(RoleOperations, UserOperations, PolicyOperations):
    """Users, access keys, roles, managed policies. One instance: IAM is global."""
