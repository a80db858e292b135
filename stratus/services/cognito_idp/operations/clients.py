"""App clients: create, describe, update, delete, list."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from stratus.service import Call
from stratus.services.cognito_idp import client as client_module
from stratus.services.cognito_idp.client import AppClient
from stratus.services.cognito_idp.operations.base import Operations, Result, on_pool


class ClientOperations(Operations):
    @on_pool("CreateUserPoolClient")
    async def create_user_pool_client(self, call: Call) -> Result:
        pool = self.pool(call.params["UserPoolId"])
        client = AppClient(
            id=client_module.new_client_id(),
            pool_id=pool.id,
            settings=client_module.settings_of(call.params, pool),
            secret=client_module.new_client_secret() if call.params.get("GenerateSecret") else None,
            created=call.now,
            modified=call.now,
        )
        await self._keep_client(client)
        return {"UserPoolClient": _described(client)}

    @on_pool("DescribeUserPoolClient")
    async def describe_user_pool_client(self, call: Call) -> Result:
        client, _ = self.client_of_pool(call.params)
        return {"UserPoolClient": _described(client)}

    @on_pool("UpdateUserPoolClient")
    async def update_user_pool_client(self, call: Call) -> Result:
        """Settings that the request leaves out go back to their defaults, as the API reference warns."""
        client, pool = self.client_of_pool(call.params)
        settings = client_module.settings_of({"ClientName": client.settings["ClientName"], **call.params}, pool)
        client = replace(client, settings=settings, modified=call.now)
        await self._keep_client(client)
        return {"UserPoolClient": _described(client)}

    @on_pool("DeleteUserPoolClient")
    async def delete_user_pool_client(self, call: Call) -> Result:
        client, _ = self.client_of_pool(call.params)
        await self.database.write(lambda connection: client_module.delete(connection, client))
        del self.clients[client.id]
        return {}

    @on_pool("ListUserPoolClients")
    async def list_user_pool_clients(self, call: Call) -> Result:
        pool = self.pool(call.params["UserPoolId"])
        limit = int(call.params.get("MaxResults", 60))
        after = call.params.get("NextToken", "")
        clients = sorted(
            (client for client in self.clients.values() if client.pool_id == pool.id and client.id > after),
            key=lambda client: client.id,
        )
        answer: Result = {
            "UserPoolClients": [
                {"ClientId": client.id, "UserPoolId": pool.id, "ClientName": client.settings["ClientName"]}
                for client in clients[:limit]
            ]
        }
        if len(clients) > limit:
            answer["NextToken"] = clients[limit - 1].id
        return answer

    async def _keep_client(self, client: AppClient) -> None:
        await self.database.write(lambda connection: client_module.store(connection, client))
        self.clients[client.id] = client


def _described(client: AppClient) -> dict[str, Any]:
    described = {
        **client.settings,
        "UserPoolId": client.pool_id,
        "ClientId": client.id,
        "LastModifiedDate": datetime.fromtimestamp(client.modified, UTC),
        "CreationDate": datetime.fromtimestamp(client.created, UTC),
    }
    if client.secret is not None:
        described["ClientSecret"] = client.secret
    return described
