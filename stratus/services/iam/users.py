"""Operations on users and their access keys."""

from dataclasses import replace

from stratus.iam.credentials import unique_id
from stratus.iam.entities import AccessKey, User
from stratus.iam.gate import ADMINISTRATOR
from stratus.service import Call, Params, operation
from stratus.services.iam.base import (
    IamBase,
    boundary_of,
    caller_name,
    list_rule,
    moment,
    new_arn_rule,
    page,
    tag_list,
    tags_of,
    user_operation,
)
from stratus.services.iam.errors import already_exists, delete_conflict, invalid_input, limit_exceeded
from stratus.services.iam.identity_policies import IdentityPolicies, attached_boundary
from stratus.wire.errors import AwsError

MAX_USERS = 5_000
MAX_KEYS = 2


class UserOperations(IamBase):
    @operation("CreateUser", new_arn_rule("CreateUser", "user", "UserName"))
    async def create_user(self, call: Call) -> Params:
        params = call.params
        name = params["UserName"]
        async with self.directory.changing():
            if self.directory.taken("user", name):
                raise already_exists("user", name)
            if len(self.directory.users()) >= MAX_USERS:
                raise limit_exceeded(f"Cannot exceed quota for UsersPerAccount: {MAX_USERS}")
            user = User(
                name=name,
                id=unique_id("AIDA"),
                path=params.get("Path", "/"),
                created=call.now,
                boundary=boundary_of(self, params.get("PermissionsBoundary")),
                tags=tags_of(params),
            )
            await self.directory.save(user)
        return {"User": self._shown_user(user)}

    @user_operation("GetUser")
    async def get_user(self, call: Call) -> Params:
        return {"User": self._shown_user(self._user(call))}

    @operation("ListUsers", list_rule("ListUsers", "user"))
    async def list_users(self, call: Call) -> Params:
        prefix = call.params.get("PathPrefix", "/")
        users = [user for user in self.directory.users() if user.path.startswith(prefix)]
        return page(users, call.params, "Users", lambda user: user.name, self._shown_user)

    @user_operation("DeleteUser")
    async def delete_user(self, call: Call) -> None:
        async with self.directory.changing():
            user = self._user(call)
            if user.name == ADMINISTRATOR:
                raise delete_conflict("The administrator stands for the account and cannot be deleted.")
            if self.directory.access_keys(user.name):
                raise delete_conflict("Cannot delete entity, must delete access keys first.")
            if user.attached:
                raise delete_conflict("Cannot delete entity, must detach all policies first.")
            if user.inline:
                raise delete_conflict("Cannot delete entity, must delete policies first.")
            await self.directory.save(delete=[user])

    @user_operation("CreateAccessKey")
    async def create_access_key(self, call: Call) -> Params:
        async with self.directory.changing():
            user = self._user(call)
            if len(self.directory.access_keys(user.name)) >= MAX_KEYS:
                raise limit_exceeded(f"Cannot exceed quota for AccessKeysPerUser: {MAX_KEYS}")
            key, credentials = self.iam.new_access_key(user.name, call.now)
            await self.directory.save(key)
        return {"AccessKey": self._shown_key(key) | {"SecretAccessKey": credentials.secret_access_key}}

    @user_operation("ListAccessKeys")
    async def list_access_keys(self, call: Call) -> Params:
        user = self._user(call)
        keys = sorted(self.directory.access_keys(user.name), key=lambda key: key.name)
        return page(keys, call.params, "AccessKeyMetadata", lambda key: key.name, self._shown_key)

    @user_operation("UpdateAccessKey")
    async def update_access_key(self, call: Call) -> None:
        status = call.params["Status"]
        if status not in ("Active", "Inactive"):
            raise invalid_input(f"Status {status} cannot be set.")
        async with self.directory.changing():
            await self.directory.save(replace(self._key(call), active=status == "Active"))

    @user_operation("DeleteAccessKey")
    async def delete_access_key(self, call: Call) -> None:
        async with self.directory.changing():
            await self.directory.save(delete=[self._key(call)])

    @user_operation("PutUserPolicy")
    async def put_user_policy(self, call: Call) -> None:
        async with self.directory.changing():
            await self._user_policies(call).put(call.params["PolicyName"], call.params["PolicyDocument"])

    @user_operation("GetUserPolicy")
    async def get_user_policy(self, call: Call) -> Params:
        return self._user_policies(call).get(call.params["PolicyName"])

    @user_operation("DeleteUserPolicy")
    async def delete_user_policy(self, call: Call) -> None:
        async with self.directory.changing():
            await self._user_policies(call).delete(call.params["PolicyName"])

    @user_operation("ListUserPolicies")
    async def list_user_policies(self, call: Call) -> Params:
        return self._user_policies(call).names(call.params)

    @user_operation("AttachUserPolicy")
    async def attach_user_policy(self, call: Call) -> None:
        async with self.directory.changing():
            await self._user_policies(call).attach(call.params["PolicyArn"])

    @user_operation("DetachUserPolicy")
    async def detach_user_policy(self, call: Call) -> None:
        async with self.directory.changing():
            await self._user_policies(call).detach(call.params["PolicyArn"])

    @user_operation("ListAttachedUserPolicies")
    async def list_attached_user_policies(self, call: Call) -> Params:
        return self._user_policies(call).attached(call.params)

    @user_operation("PutUserPermissionsBoundary")
    async def put_user_permissions_boundary(self, call: Call) -> None:
        async with self.directory.changing():
            await self._user_policies(call).bound(call.params["PermissionsBoundary"])

    @user_operation("DeleteUserPermissionsBoundary")
    async def delete_user_permissions_boundary(self, call: Call) -> None:
        async with self.directory.changing():
            await self._user_policies(call).bound(None)

    @user_operation("TagUser")
    async def tag_user(self, call: Call) -> None:
        async with self.directory.changing():
            await self._user_policies(call).tag(call.params)

    @user_operation("UntagUser")
    async def untag_user(self, call: Call) -> None:
        async with self.directory.changing():
            await self._user_policies(call).untag(call.params)

    @user_operation("ListUserTags")
    async def list_user_tags(self, call: Call) -> Params:
        return self._user_policies(call).tags(call.params)

    def _user(self, call: Call) -> User:
        name = call.params.get("UserName") or caller_name(call)
        if not name:
            raise AwsError("ValidationError", "Must specify userName when calling with non-User credentials", 400)
        return self.user(name)

    def _user_policies(self, call: Call) -> IdentityPolicies:
        return IdentityPolicies(self, self._user(call))

    def _key(self, call: Call) -> AccessKey:
        key_id = call.params["AccessKeyId"]
        key = self.directory.access_key(key_id)
        if key is None or key.user != self._user(call).name:
            raise AwsError("NoSuchEntity", f"The Access Key with id {key_id} cannot be found.", 404)
        return key

    def _shown_key(self, key: AccessKey) -> Params:
        return {
            "UserName": key.user,
            "AccessKeyId": key.name,
            "Status": "Active" if key.active else "Inactive",
            "CreateDate": moment(key.created),
        }

    def _shown_user(self, user: User) -> Params:
        shown = {
            "Path": user.path,
            "UserName": user.name,
            "UserId": user.id,
            "Arn": user.arn(self.account),
            "CreateDate": moment(user.created),
        }
        if user.tags:
            shown["Tags"] = tag_list(user.tags)
        return shown | attached_boundary(user)
