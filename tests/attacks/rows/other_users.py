"""The application's API: what is another user's"""

import uuid
from typing import Any

import httpx

from tests.attacks.table import attack
from tests.attacks.world import World

NOT_FOUND = "404 not-found"


def _of_owner(world: World, what: str) -> str:
    mine = world.treasure
    return {"list": f"/lists/{mine.list_id}", "to-do": f"/todos/{mine.todo_id}", "job": f"/jobs/{mine.job_id}"}[what]


@attack({"list": NOT_FOUND, "to-do": NOT_FOUND, "job": NOT_FOUND})
def reads_anothers(world: World, what: str) -> Any:
    """Reads the owner's {} by its id."""
    return world.stranger.api.get(_of_owner(world, what))


@attack({"list": NOT_FOUND, "to-do": NOT_FOUND})
def changes_anothers(world: World, what: str) -> Any:
    """Changes the owner's {} by its id."""
    body = {"name": "pwned"} if what == "list" else {"title": "pwned"}
    return world.stranger.api.patch(_of_owner(world, what), json=body)


@attack({"list": NOT_FOUND, "to-do": NOT_FOUND})
def deletes_anothers(world: World, what: str) -> Any:
    """Deletes the owner's {} by its id."""
    return world.stranger.api.delete(_of_owner(world, what))


@attack({"*": NOT_FOUND, "the right one": NOT_FOUND})
def etag_of_another(world: World, tag: str) -> Any:
    """Changes the owner's to-do with If-Match {}."""
    right = world.owner.api.get(_of_owner(world, "to-do")).headers["etag"]
    headers = {"If-Match": right if tag == "the right one" else tag}
    return world.stranger.api.patch(_of_owner(world, "to-do"), json={"title": "pwned"}, headers=headers)


@attack(NOT_FOUND)
def etag_to_probe(world: World) -> Any:
    """Asks with the owner's ETag whether the to-do is still the same (304 would tell)."""
    right = world.owner.api.get(_of_owner(world, "to-do")).headers["etag"]
    return world.stranger.api.get(_of_owner(world, "to-do"), headers={"If-None-Match": right})


@attack(NOT_FOUND)
def page_of_anothers_list(world: World) -> Any:
    """Lists the to-dos of the owner's list."""
    return world.stranger.api.get("/todos", params={"list": world.treasure.list_id})


@attack("200, and nothing of the owner's")
def cursor_of_another(world: World) -> Any:
    """Goes on reading where the owner's cursor stands: it is a place in whoever's to-dos they are."""
    owner = world.owner
    for title in ("one", "two"):
        owner.api.post("/todos", json={"listId": world.treasure.list_id, "title": title})
    cursor = owner.api.get("/todos", params={"limit": 1}).json()["cursor"]
    assert cursor
    page = world.stranger.api.get("/todos", params={"limit": 200, "cursor": cursor})
    own = {item["id"] for item in world.stranger.api.get("/todos", params={"limit": 200}).json()["todos"]}
    assert {item["id"] for item in page.json()["todos"]} <= own
    return f"{page.status_code}, and nothing of the owner's"


@attack("201")
def idempotency_key_of_another(world: World) -> Any:
    """Repeats the owner's POST with its Idempotency-Key and body: it makes a list of their own, and tells nothing."""
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = world.owner.api.post("/lists", json={"name": "Idempotent"}, headers=headers)
    second = world.stranger.api.post("/lists", json={"name": "Idempotent"}, headers=headers)
    assert second.json()["id"] != first.json()["id"]
    return second


@attack("422 key-reused")
def idempotency_key_with_another_body(world: World) -> Any:
    """Uses their own Idempotency-Key a second time with another body."""
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    assert world.stranger.api.post("/lists", json={"name": "One"}, headers=headers).status_code == 201
    return world.stranger.api.post("/lists", json={"name": "Two"}, headers=headers)


@attack("201")
def id_of_another(world: World) -> Any:
    """Makes a list with the id of the owner's: it is theirs alone, and the owner's stays as it was."""
    made = world.stranger.api.post("/lists", json={"id": world.treasure.list_id, "name": "Mine now"})
    assert world.is_untouched()
    assert world.owner.api.get(_of_owner(world, "list")).json()["name"] == "Secret list"
    world.stranger.api.delete(_of_owner(world, "list"))
    return made


@attack(NOT_FOUND)
def todo_into_anothers_list(world: World) -> Any:
    """Puts a to-do into a list of the owner."""
    other = world.owner.api.post("/lists", json={"name": "Other"}).json()["id"]
    return world.stranger.api.post("/todos", json={"listId": other, "title": "spam"})


@attack("422 invalid")
def sub_task_of_anothers(world: World) -> Any:
    """Makes a to-do below one of the owner's."""
    own = world.stranger.api.post("/lists", json={"name": "Own"}).json()["id"]
    body = {"listId": own, "title": "spam", "parentId": world.treasure.todo_id}
    return world.stranger.api.post("/todos", json=body)


@attack(NOT_FOUND)
def moved_into_anothers_list(world: World) -> Any:
    """Moves their own to-do into a list of the owner."""
    other = world.owner.api.post("/lists", json={"name": "Other"}).json()["id"]
    own = world.stranger.api.post("/lists", json={"name": "Own"}).json()["id"]
    todo = world.stranger.api.post("/todos", json={"listId": own, "title": "t"}).json()["id"]
    return world.stranger.api.patch(f"/todos/{todo}", json={"listId": other})


@attack(
    dict.fromkeys(
        ["the owner's file", "their own folder and ..", "their own folder in capitals", "no folder", "the root"],
        "422 invalid",
    )
)
def attachment(world: World, where: str) -> Any:
    """Attaches a key that lies elsewhere than in their own folder: {}."""
    own = world.stranger.folder
    key = {
        "the owner's file": world.treasure.key,
        "their own folder and ..": f"{own}../{world.treasure.key.removeprefix('private/')}",
        "their own folder in capitals": own.upper() + "x",
        "no folder": "diary.txt",
        "the root": "/" + own + "x",
    }[where]
    list_id = world.stranger.api.post("/lists", json={"name": "Own"}).json()["id"]
    return world.stranger.api.post("/todos", json={"listId": list_id, "title": "t", "attachments": [key]})


@attack("200")
def batch_on_anothers(world: World) -> Any:
    """Deletes the owner's to-do in a batch of operations: each result says that there is none."""
    operations = [{"op": "delete", "id": world.treasure.todo_id}]
    answer = world.stranger.api.post("/todos/batch", json={"operations": operations})
    assert [result["status"] for result in answer.json()["results"]] == [404]
    return answer


@attack(
    dict.fromkeys(
        ["x-user-id", "x-amzn-oidc-identity", "x-cognito-identity", "x-amzn-apigateway-authorizer", "sub"], NOT_FOUND
    )
)
def claimed_by_header(world: World, name: str) -> Any:
    """Says who they are by the header {}."""
    sub = world.owner.api.get("/me").json()["id"]
    return world.stranger.api.get(_of_owner(world, "to-do"), headers={name: sub})


@attack("400 bad-request")
def claimed_by_parameter(world: World) -> Any:
    """Says who they are by a query parameter."""
    sub = world.owner.api.get("/me").json()["id"]
    return world.stranger.api.get("/todos", params={"user": sub})


@attack("400 bad-request")
def claimed_by_body(world: World) -> Any:
    """Says who they are by a member of the body."""
    sub = world.owner.api.get("/me").json()["id"]
    return world.stranger.api.post("/lists", json={"name": "n", "user": sub, "pk": sub})


@attack("401 unauthorized")
def two_tokens(world: World) -> Any:
    """Sends two Authorization headers, their own token and a forged one."""
    fields = [("Authorization", world.stranger.tokens["IdToken"]), ("Authorization", "forged")]
    return httpx.get(f"{world.api_url}/todos", headers=fields)


@attack(dict.fromkeys(["todo#x", "LIST#1", "..", "*", "a" * 300, "\n", "%00", "💣"], NOT_FOUND))
def key_injected(world: World, identifier: str) -> Any:
    """Asks for the to-do {}, which might become another key of the table."""
    url = f"{world.api_url}/todos/" + "".join(f"%{byte:02X}" for byte in identifier.encode())
    return httpx.get(url, headers={"Authorization": world.stranger.tokens["IdToken"]})


@attack("400 NotAuthorizedException")
def credentials_of_anothers_identity(world: World) -> Any:
    """Asks the identity pool for credentials of the owner's identity with their own token."""
    todolist = world.todolist
    return todolist.identity.get_credentials_for_identity(
        IdentityId=world.owner.identity_id, Logins={todolist.provider: world.stranger.tokens["IdToken"]}
    )


@attack("400 NotAuthorizedException")
def credentials_without_a_login(world: World) -> Any:
    """Asks the identity pool for credentials of the owner's identity with no token."""
    return world.todolist.identity.get_credentials_for_identity(IdentityId=world.owner.identity_id)


@attack("400 NotAuthorizedException")
def identity_token_of_another(world: World) -> Any:
    """Asks for an OpenID token of the owner's identity with their own token."""
    todolist = world.todolist
    return todolist.identity.get_open_id_token(
        IdentityId=world.owner.identity_id, Logins={todolist.provider: world.stranger.tokens["IdToken"]}
    )


@attack("400 ResourceNotFoundException")
def identity_of_nobody(world: World) -> Any:
    """Asks for credentials of an identity that does not exist."""
    todolist = world.todolist
    return todolist.identity.get_credentials_for_identity(
        IdentityId=f"{world.region}:{uuid.uuid4()}", Logins={todolist.provider: world.stranger.tokens["IdToken"]}
    )


@attack("400 InvalidParameterException")
def classic_flow(world: World) -> Any:
    """Asks for an OpenID token of their own, with which STS would give sessions without the enhanced flow's scope."""
    todolist = world.todolist
    return todolist.identity.get_open_id_token(
        IdentityId=world.stranger.identity_id, Logins={todolist.provider: world.stranger.tokens["IdToken"]}
    )


@attack("400 MissingAuthenticationTokenException")
def identities_listed(world: World) -> Any:
    """Lists the identities of the pool without a signature."""
    return world.todolist.identity.list_identities(
        IdentityPoolId=world.todolist.outputs["IdentityPoolId"], MaxResults=10
    )
