"""What all operations share: the pool, client, user and grant that a request is about, and how outcomes become durable."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from stratus.mail.mailbox import Mailbox
from stratus.service import Access, Call, Surroundings, operation
from stratus.services.cognito_idp import expiry, grants, users
from stratus.services.cognito_idp.client import AppClient
from stratus.services.cognito_idp.errors import not_authorized, user_not_found
from stratus.services.cognito_idp.grants import Grant
from stratus.services.cognito_idp.pool import Pool
from stratus.services.cognito_idp.secret_block import SecretBlocks
from stratus.services.cognito_idp.tokens import AccessClaims, verify_access_token
from stratus.services.cognito_idp.users import User
from stratus.storage.database import Database
from stratus.wire.errors import AwsError

T = TypeVar("T")
Result = dict[str, Any]
Method = Callable[[Any, Call], Awaitable[Result]]


class Operations:
    """Base of the groups of operations. Pools and clients are few and kept in memory beside the disk; users are not."""

    around: Surroundings
    database: Database
    pools: dict[str, Pool]
    clients: dict[str, AppClient]
    mailbox: Mailbox
    blocks: SecretBlocks
    arithmetic: ThreadPoolExecutor
    next_sweep: float = 0.0

    def pool_arn(self, pool_id: str) -> str:
        return f"arn:aws:cognito-idp:{self.around.region}:{self.around.account}:userpool/{pool_id}"

    def pool(self, pool_id: str) -> Pool:
        pool = self.pools.get(pool_id)
        if pool is None:
            raise AwsError("ResourceNotFoundException", f"User pool {pool_id} does not exist.")
        return pool

    def client(self, client_id: str) -> tuple[AppClient, Pool]:
        client = self.clients.get(client_id)
        if client is None:
            raise AwsError("ResourceNotFoundException", f"User pool client {client_id} does not exist.")
        return client, self.pools[client.pool_id]

    def client_of_pool(self, params: dict[str, Any]) -> tuple[AppClient, Pool]:
        """The client that `ClientId` and `UserPoolId` name together."""
        pool = self.pool(params["UserPoolId"])
        client, owner = self.client(params["ClientId"])
        if owner.id != pool.id:
            raise AwsError("ResourceNotFoundException", f"User pool client {client.id} does not exist.")
        return client, pool

    def user(self, pool: Pool, name: str) -> User:
        """The user an administrator names; UserNotFoundException where there is none."""
        user = users.find(self.database.reader, pool, name)
        if user is None:
            raise user_not_found()
        return user

    def user_or_stand_in(self, pool: Pool, client: AppClient, name: str, unknown: AwsError) -> User:
        """The user that an application names; a stand-in for nobody where the client hides who exists, else `unknown`."""
        user = users.find(self.database.reader, pool, name)
        if user is not None:
            return user
        if client.hides_users:
            return users.stand_in(pool, name)
        raise unknown

    def signed_in(self, call: Call) -> tuple[AccessClaims, User, Grant]:
        """Whose access token the request carries: signed, not expired, not revoked, of a user who is still enabled."""
        claims = verify_access_token(self.pools.values(), call.params["AccessToken"], self.around.addresses, call.now)
        user = users.get(self.database.reader, claims.sub)
        if user is None:
            raise user_not_found()
        grant = grants.get(self.database.reader, claims.origin_jti)
        if grant is None or grant.revoked:
            raise not_authorized("Access Token has been revoked")
        if not user.enabled:
            raise not_authorized("User is disabled.")
        return claims, user, grant

    async def compute(self, function: Callable[..., T], *arguments: Any) -> T:
        """Runs SRP's arithmetic in the one thread that is kept for it: more would only take time from the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.arithmetic, function, *arguments)

    async def decide(self, work: Callable[[sqlite3.Connection], T | AwsError]) -> T:
        """Runs `work` and waits until it is on disk; an error that it returns (not raises) is raised after its counting is kept."""
        outcome = await self.database.write(work)
        await self._sweep()
        if isinstance(outcome, AwsError):
            raise outcome
        return outcome

    async def _sweep(self) -> None:
        now = self.around.clock.now()
        if now >= self.next_sweep:
            self.next_sweep = now + expiry.EVERY
            await self.database.write(lambda connection: expiry.sweep(connection, now))

    async def change_user(self, user: User, change: Callable[[User], User | AwsError]) -> User:
        """Applies `change` to the user as they are now, inside the transaction that writes them."""

        def work(connection: sqlite3.Connection) -> User | AwsError:
            current = users.get(connection, user.sub)
            if current is None:
                return user_not_found()
            changed = change(current)
            if isinstance(changed, AwsError):
                return changed
            return users.store(connection, self.pools[user.pool_id], changed, self.around.clock.now()) or changed

        return await self.decide(work)


def public(name: str) -> Callable[[Method], Method]:
    """An operation that takes no AWS credentials: tokens, codes and passwords in the request decide."""
    return operation(name, None)


def on_pool(name: str) -> Callable[[Method], Method]:
    """An operation that needs `cognito-idp:<name>` on the user pool."""

    def access(service: Operations, call: Call) -> Iterable[Access]:
        return [Access(f"cognito-idp:{name}", service.pool_arn(str(call.params.get("UserPoolId", ""))))]

    return operation(name, access)


def on_account(name: str) -> Callable[[Method], Method]:
    """An operation that is not about one pool: needs `cognito-idp:<name>` on `*`."""
    return operation(name, lambda service, call: [Access(f"cognito-idp:{name}", "*")])


def on_resource(name: str) -> Callable[[Method], Method]:
    """An operation on the ARN that the request names."""
    return operation(
        name, lambda service, call: [Access(f"cognito-idp:{name}", str(call.params.get("ResourceArn", "")))]
    )
