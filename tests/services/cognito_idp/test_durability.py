"""What was answered is on disk: a copy of the files, taken without closing anything, knows it."""

import shutil
from pathlib import Path
from typing import Any

ALICE = "alice@example.com"


async def test_given_answers_then_the_files_of_that_instant_hold_them(
    people: Any, api: Any, tmp_path: Path, refused: Any
) -> None:
    copies = 0

    async def as_after_a_kill() -> Any:
        """The same API on a copy of what is on disk now."""
        nonlocal copies
        copies += 1
        place = tmp_path / f"copy{copies}"
        shutil.copytree(api.directory / "data", place / "data")
        shutil.copytree(api.directory / "mail", place / "mail")
        return type(api)(place, api.clock)

    async def ask(copy: Any, operation: str, **params: Any) -> Any:
        try:
            return await copy(operation, **params)
        finally:
            await copy.service.stop()

    client = {"ClientId": people.client_id}
    await people.sign_up()
    copy = await as_after_a_kill()
    code = copy.last_code()
    assert await ask(copy, "ConfirmSignUp", **client, Username=ALICE, ConfirmationCode=code) == {}

    await api("ConfirmSignUp", **client, Username=ALICE, ConfirmationCode=code)
    tokens = await people.tokens()
    copy = await as_after_a_kill()
    assert (await ask(copy, "GetUser", AccessToken=tokens["AccessToken"]))["Username"]

    await api("GlobalSignOut", AccessToken=tokens["AccessToken"])
    copy = await as_after_a_kill()
    assert await refused(ask(copy, "GetUser", AccessToken=tokens["AccessToken"])) == (
        "NotAuthorizedException",
        "Access Token has been revoked",
    )


async def test_given_a_disk_that_is_full_then_nothing_is_acknowledged(people: Any, api: Any, refused: Any) -> None:
    shutil.rmtree(api.directory / "mail" / "tmp")
    assert (await refused(people.sign_up()))[0] == "CodeDeliveryFailureException"
