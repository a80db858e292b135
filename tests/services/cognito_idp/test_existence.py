"""PreventUserExistenceErrors: what somebody who guesses names learns.

Developer Guide, "Managing user existence error responses".
"""

from typing import Any

import pytest

from stratus.wire.errors import AwsError

ALICE, NOBODY = "alice@example.com", "nobody@example.com"
PASSWORD = "Correct-horse-7-battery"
WRONG = ("NotAuthorizedException", "Incorrect username or password.")


class TestHidden:
    async def test_given_nobody_by_that_name_then_srp_goes_its_way_and_ends_like_a_wrong_password(
        self, people: Any, refused: Any
    ) -> None:
        await people.confirmed()
        for name in (ALICE, NOBODY):
            srp = people.srp(name, "Wrong-horse-7-battery")
            started = await people.start_srp(srp)
            parameters = started["ChallengeParameters"]
            assert set(parameters) == {"SALT", "SECRET_BLOCK", "SRP_B", "USERNAME", "USER_ID_FOR_SRP"}
            assert len(parameters["USER_ID_FOR_SRP"]) == 36
            assert parameters["USER_ID_FOR_SRP"] == parameters["USERNAME"]
            assert abs(len(parameters["SALT"]) - 32) <= 3
            assert await refused(people.answer_srp(srp, started)) == WRONG

    async def test_given_the_same_unknown_name_then_salt_and_id_stay_the_same_also_after_a_restart(
        self, people: Any, api: Any
    ) -> None:
        async def seen(name: str) -> tuple[str, str]:
            parameters = (await people.start_srp(people.srp(name, PASSWORD)))["ChallengeParameters"]
            return parameters["SALT"], parameters["USER_ID_FOR_SRP"]

        first = await seen(NOBODY)
        await api.restart()
        assert await seen(NOBODY.upper()) == first != await seen("x@example.com")

    async def test_given_an_unknown_name_then_it_is_locked_out_like_a_known_one(
        self, people: Any, refused: Any
    ) -> None:
        for _ in range(5):
            assert await refused(people.sign_in(NOBODY)) == WRONG
        assert await refused(people.sign_in(NOBODY)) == ("NotAuthorizedException", "Password attempts exceeded")

    async def test_given_an_unknown_name_then_forgot_password_pretends_and_mails_nothing(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        sent = len(api.mails())
        known = await api("ForgotPassword", ClientId=people.client_id, Username=ALICE)
        unknown = await api("ForgotPassword", ClientId=people.client_id, Username="anna@elsewhere.org")
        assert known["CodeDeliveryDetails"] == unknown["CodeDeliveryDetails"]
        assert len(api.mails()) == sent + 1

        def confirm(name: str, code: str = "000000") -> Any:
            return api(
                "ConfirmForgotPassword",
                ClientId=people.client_id,
                Username=name,
                ConfirmationCode=code,
                Password="Another-horse-8-battery",
            )

        wrong = "000000" if api.last_code() != "000000" else "000001"
        for _ in range(5):
            assert await refused(confirm(ALICE, wrong)) == await refused(confirm("anna@elsewhere.org", wrong))
        assert (
            (await refused(confirm(ALICE)))[0]
            == (await refused(confirm("anna@elsewhere.org")))[0]
            == "LimitExceededException"
        )

    async def test_given_no_code_was_asked_for_then_known_and_unknown_names_hear_the_same(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.confirmed()
        answers = [
            await refused(
                api(
                    "ConfirmForgotPassword",
                    ClientId=people.client_id,
                    Username=name,
                    ConfirmationCode="123456",
                    Password="Another-horse-8-battery",
                )
            )
            for name in (ALICE, NOBODY)
        ]
        assert (
            answers[0]
            == answers[1]
            == (
                "ExpiredCodeException",
                "Invalid code provided, please request a code again.",
            )
        )

    async def test_given_an_unknown_name_then_confirmation_answers_as_for_one_who_waits(
        self, people: Any, api: Any, refused: Any
    ) -> None:
        await people.sign_up()
        wrong = "000000" if api.last_code() != "000000" else "000001"
        requests = [
            {"ClientId": people.client_id, "Username": name, "ConfirmationCode": wrong} for name in (ALICE, NOBODY)
        ]
        for _ in range(6):
            first, second = [await refused(api("ConfirmSignUp", **request)) for request in requests]
            assert first == second

    async def test_given_an_unknown_name_then_resending_pretends(self, people: Any, api: Any) -> None:
        sent = len(api.mails())
        answer = await api("ResendConfirmationCode", ClientId=people.client_id, Username=NOBODY)
        assert answer["CodeDeliveryDetails"]["Destination"] == "n***@e***"
        assert len(api.mails()) == sent
        assert list((api.directory / "mail" / "tmp").iterdir()) == []

    async def test_given_a_disabled_user_then_forgot_password_answers_as_for_nobody(
        self, people: Any, api: Any
    ) -> None:
        await people.confirmed()
        await api("AdminDisableUser", UserPoolId=people.pool_id, Username=ALICE)
        sent = len(api.mails())
        await api("ForgotPassword", ClientId=people.client_id, Username=ALICE)
        assert len(api.mails()) == sent

    async def test_given_a_flood_of_invented_names_then_what_they_leave_behind_is_bounded(
        self, people: Any, api: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from stratus.services.cognito_idp import expiry

        monkeypatch.setattr(expiry, "_MAX_STRANGERS", 5)
        await people.sign_up()
        for n in range(20):
            await api("ForgotPassword", ClientId=people.client_id, Username=f"n{n}@example.com")
        clock.advance(61)
        await api("ForgotPassword", ClientId=people.client_id, Username="last@example.com")
        for table in ("codes", "tallies"):
            query = f"SELECT count(*) FROM {table} WHERE subject LIKE '?%'"
            assert api.service.database.reader.execute(query).fetchone()[0] <= 5
        codes = "SELECT count(*) FROM codes WHERE subject NOT LIKE '?%'"
        assert api.service.database.reader.execute(codes).fetchone()[0] == 1


class TestTime:
    """Answers take the same work whether or not the user exists: the same powers, the same writes, the same mail on disk."""

    @pytest.fixture
    def work(self, api: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What was done, in order."""
        from stratus.mail import maildir
        from stratus.services.cognito_idp import srp
        from stratus.storage.database import Database

        done: list[str] = []

        def noting(owner: Any, name: str) -> None:
            original = getattr(owner, name)

            def noted(*args: Any, **kwargs: Any) -> Any:
                done.append(name)
                return original(*args, **kwargs)

            monkeypatch.setattr(owner, name, noted)

        for name in ("new_challenge", "session_key", "new_verifier", "matches"):
            noting(srp, name)
        noting(Database, "write")
        noting(maildir.os, "fsync")
        api.service.next_sweep = api.clock.now() + 3600
        return done

    async def test_given_known_and_unknown_names_then_the_work_is_the_same(
        self, make_people: Any, api: Any, work: list[str], refused: Any
    ) -> None:
        people = await make_people(client={"ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH"]})
        await people.confirmed()
        wrong = "Wrong-horse-7-battery"
        client = {"ClientId": people.client_id}
        for ask in (
            lambda name: people.sign_in(name, wrong),
            lambda name: api(
                "InitiateAuth",
                **client,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": name, "PASSWORD": wrong},
            ),
            lambda name: api("ForgotPassword", **client, Username=name),
            lambda name: api("ConfirmForgotPassword", **client, Username=name, ConfirmationCode="x", Password=PASSWORD),
        ):
            did = []
            for name in (ALICE, NOBODY):
                work.clear()
                try:
                    await ask(name)
                except AwsError:
                    work.append("refused")
                did.append(list(work))
            assert did[0] == did[1] != []


class TestLegacy:
    @pytest.fixture
    async def people(self, make_people: Any) -> Any:
        return await make_people(client={"PreventUserExistenceErrors": "LEGACY"})

    async def test_given_nobody_by_that_name_then_the_answers_say_so(self, people: Any, api: Any, refused: Any) -> None:
        assert await refused(people.start_srp(people.srp(NOBODY, PASSWORD))) == (
            "UserNotFoundException",
            "User does not exist.",
        )
        named = {"ClientId": people.client_id, "Username": NOBODY}
        for request in (
            api("ForgotPassword", **named),
            api("ResendConfirmationCode", **named),
            api("ConfirmSignUp", **named, ConfirmationCode="123456"),
        ):
            assert await refused(request) == ("UserNotFoundException", "Username/client id combination not found.")
