"""Signing up and in: guesses, codes, states"""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP, N_HEX

from tests.attacks.answers import seen
from tests.attacks.table import attack
from tests.attacks.world import World
from tests.end_to_end.conftest import Person

PASSWORD = "Aa1!Aa1!Aa1!x"


def _sign_up(world: World, mail: str | None = None, **more: Any) -> str:
    mail = mail or f"{uuid.uuid4().hex[:12]}@example.org"
    world.todolist.idp.sign_up(ClientId=_client(world), Username=mail, Password=PASSWORD, **more)
    return mail


def _client(world: World) -> str:
    return world.todolist.outputs["UserPoolClientId"]


def _confirm(world: World, mail: str, code: str) -> Any:
    return world.todolist.idp.confirm_sign_up(ClientId=_client(world), Username=mail, ConfirmationCode=code)


def _reset(world: World, mail: str, code: str) -> Any:
    return world.todolist.idp.confirm_forgot_password(
        ClientId=_client(world), Username=mail, ConfirmationCode=code, Password="Bb2@Bb2@Bb2@"
    )


def _forget(world: World, mail: str) -> Any:
    return world.todolist.idp.forgot_password(ClientId=_client(world), Username=mail)


def _wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def _guess(world: World, mail: str, code: str, tries: int = 5) -> None:
    """So many wrong guesses."""
    for _ in range(tries):
        with pytest.raises(ClientError, match="CodeMismatchException"):
            _confirm(world, mail, _wrong(code))


@attack(
    {
        "123456": "400 CodeMismatchException",
        "654321": "400 CodeMismatchException",
        "000000": "400 CodeMismatchException",
    }
)
def well_known_code(world: World, code: str) -> Any:
    """Confirms somebody's address with {}, the code of every user of another emulator."""
    return _confirm(world, _sign_up(world), code)


@attack("400 LimitExceededException")
def code_guessed(world: World) -> Any:
    """Guesses a confirmation code for the sixth time within an hour."""
    mail = _sign_up(world)
    code = world.todolist.code_for(mail)
    _guess(world, mail, code)
    return _confirm(world, mail, _wrong(code))


@attack("400 LimitExceededException")
def code_guessed_at_last(world: World) -> Any:
    """Guesses the right code at the sixth try."""
    mail = _sign_up(world)
    code = world.todolist.code_for(mail)
    _guess(world, mail, code)
    return _confirm(world, mail, code)


@attack("400 LimitExceededException")
def codes_sent_without_end(world: World) -> Any:
    """Has a sixth code mailed to a victim within an hour."""
    mail = _sign_up(world)
    for _ in range(4):
        world.todolist.idp.resend_confirmation_code(ClientId=_client(world), Username=mail)
    return world.todolist.idp.resend_confirmation_code(ClientId=_client(world), Username=mail)


@attack("400 CodeMismatchException")
def code_of_another(world: World) -> Any:
    """Confirms another's address with the code that came to their own."""
    mine, theirs = _sign_up(world), _sign_up(world)
    return _confirm(world, theirs, world.todolist.code_for(mine))


@attack("400 CodeMismatchException")
def code_replaced(world: World) -> Any:
    """Uses a code after a newer one was sent."""
    mail = _sign_up(world)
    old = world.todolist.code_for(mail)
    world.todolist.idp.resend_confirmation_code(ClientId=_client(world), Username=mail)
    return _confirm(world, mail, old if old != world.todolist.code_for(mail) else _wrong(old))


@attack("400 ExpiredCodeException")
def code_after_a_day(world: World) -> Any:
    """Uses a confirmation code 24 hours after it was sent."""
    mail = _sign_up(world)
    code = world.todolist.code_for(mail)
    with world.later(86_401):
        return _confirm(world, mail, code)


@attack("400 ExpiredCodeException")
def reset_code_twice(world: World) -> Any:
    """Uses a code for a new password a second time."""
    person = world.someone_new()
    _forget(world, person.mail)
    code = world.todolist.code_for(person.mail)
    _reset(world, person.mail, code)
    return _reset(world, person.mail, code)


@attack("400 ExpiredCodeException")
def reset_code_after_an_hour(world: World) -> Any:
    """Uses a code for a new password an hour after it was sent."""
    person = world.someone_new()
    _forget(world, person.mail)
    code = world.todolist.code_for(person.mail)
    with world.later(3601):
        return _reset(world, person.mail, code)


@attack("400 ExpiredCodeException")
def sign_up_code_for_a_reset(world: World) -> Any:
    """Sets a new password with the code that confirmed the address."""
    mail = _sign_up(world)
    code = world.todolist.code_for(mail)
    _confirm(world, mail, code)
    return _reset(world, mail, code)


@attack("400 NotAuthorizedException")
def password_guessed(world: World) -> Any:
    """Signs in with a wrong password."""
    return _srp(world, world.owner, "Wrong1!wrong1")


@attack("400 NotAuthorizedException: Password attempts exceeded")
def password_guessed_often(world: World) -> Any:
    """Guesses a password for the sixth time at once, and has the right one then."""
    person = world.someone_new()
    for _ in range(5):
        assert _srp(world, person, "Wrong1!wrong1").startswith("400 NotAuthorizedException")
    return _srp(world, person, person.password, with_message=True)


def _srp(world: World, person: Person, password: str, *, with_message: bool = False) -> str:
    """What signing in by SRP answers."""
    outputs = world.todolist.outputs
    srp = AWSSRP(person.mail, password, outputs["UserPoolId"], outputs["UserPoolClientId"], client=world.todolist.idp)
    try:
        srp.authenticate_user()
    except ClientError as refused:
        return seen(refused) + (f": {refused.response['Error']['Message']}" if with_message else "")
    return "200"


@attack("400 InvalidParameterException")
def password_in_the_request(world: World) -> Any:
    """Sends the password itself, which this client does not allow."""
    return world.todolist.idp.initiate_auth(
        ClientId=_client(world),
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": world.stranger.mail, "PASSWORD": world.stranger.password},
    )


@attack(
    {"0": "400 InvalidParameterException", "N": "400 InvalidParameterException", "zz": "400 InvalidParameterException"}
)
def srp_with(world: World, value: str) -> Any:
    """Begins SRP with A = {}, which would make the key known without the password."""
    public = N_HEX if value == "N" else value
    return world.todolist.idp.initiate_auth(
        ClientId=_client(world),
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": world.owner.mail, "SRP_A": public},
    )


@attack("400 NotAuthorizedException")
def nobody_looks_like_somebody(world: World) -> Any:
    """Signs in as nobody, to learn who has an account: the challenge and the refusal are those of everybody."""
    return _srp(world, _named(world, "nobody@example.org"), "Wrong1!wrong1")


@attack("200")
def forgotten_password_of_nobody(world: World) -> Any:
    """Forgets the password of nobody, to learn who has an account: the answer is that of everybody, and no mail goes out."""
    return _forget(world, "nobody@example.org")


@attack("400 NotAuthorizedException")
def secret_block_of_their_own(world: World) -> Any:
    """Answers the challenge with a secret block of their own making."""
    return _respond(world, PASSWORD_CLAIM_SECRET_BLOCK="AAAA")


@attack("400 NotAuthorizedException")
def secret_block_replayed(world: World) -> Any:
    """Answers the owner's challenge with the secret block that was given for their own name."""
    outputs = world.todolist.outputs
    srp = AWSSRP("x", "x", outputs["UserPoolId"], outputs["UserPoolClientId"], client=world.todolist.idp)
    begun = world.todolist.idp.initiate_auth(
        ClientId=_client(world),
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": world.stranger.mail, "SRP_A": f"{srp.large_a_value:x}"},
    )
    return _respond(world, PASSWORD_CLAIM_SECRET_BLOCK=begun["ChallengeParameters"]["SECRET_BLOCK"])


def _respond(world: World, **responses: str) -> Any:
    return world.todolist.idp.respond_to_auth_challenge(
        ClientId=_client(world),
        ChallengeName="PASSWORD_VERIFIER",
        ChallengeResponses={
            "USERNAME": world.owner.mail,
            "TIMESTAMP": "Mon Nov 23 07:00:00 UTC 2026",
            "PASSWORD_CLAIM_SIGNATURE": "AAAA",
            **responses,
        },
    )


@attack({"NEW_PASSWORD_REQUIRED": "400 NotAuthorizedException", "SOFTWARE_TOKEN_MFA": "400 NotAuthorizedException"})
def challenge_nobody_posed(world: World, challenge: str) -> Any:
    """Answers {}, which was never asked, with a session of their own making."""
    return world.todolist.idp.respond_to_auth_challenge(
        ClientId=_client(world),
        ChallengeName=challenge,
        Session="a" * 40,
        ChallengeResponses={
            "USERNAME": world.owner.mail,
            "NEW_PASSWORD": PASSWORD,
            "SOFTWARE_TOKEN_MFA_CODE": "123456",
        },
    )


@attack("400 UsernameExistsException")
def address_taken(world: World) -> Any:
    """Signs up with the owner's confirmed address in other letters."""
    return _sign_up(world, world.owner.mail.upper()) and "signed up"


@attack("400 NotAuthorizedException")
def own_verification(world: World) -> Any:
    """Signs up and says that the address is verified."""
    return _sign_up(world, UserAttributes=[{"Name": "email_verified", "Value": "true"}]) and "signed up"


@attack("400 NotAuthorizedException")
def attribute_not_theirs(world: World) -> Any:
    """Sets `email_verified` of their own account."""
    return world.todolist.idp.update_user_attributes(
        AccessToken=world.stranger.tokens["AccessToken"],
        UserAttributes=[{"Name": "email_verified", "Value": "true"}],
    )


@attack("400 AliasExistsException")
def address_of_another(world: World) -> Any:
    """Takes the owner's address for their own account."""
    return world.todolist.idp.update_user_attributes(
        AccessToken=world.stranger.tokens["AccessToken"],
        UserAttributes=[{"Name": "email", "Value": world.owner.mail}],
    )


@attack("400 NotAuthorizedException")
def other_sub(world: World) -> Any:
    """Sets their own `sub` to the owner's."""
    return world.todolist.idp.update_user_attributes(
        AccessToken=world.stranger.tokens["AccessToken"], UserAttributes=[{"Name": "sub", "Value": str(uuid.uuid4())}]
    )


@attack(
    {
        "admin_confirm_sign_up": "400 MissingAuthenticationTokenException",
        "admin_get_user": "400 MissingAuthenticationTokenException",
        "admin_delete_user": "400 MissingAuthenticationTokenException",
    }
)
def administrators_operation_unsigned(world: World, operation: str) -> Any:
    """Calls {} on the owner without a signature."""
    return getattr(world.todolist.idp, operation)(
        UserPoolId=world.todolist.outputs["UserPoolId"], Username=world.owner.mail
    )


@attack("400 AccessDeniedException")
def administrators_operation_as_user(world: World) -> Any:
    """Deletes the owner's account with the credentials that a signed-in user has."""
    return world.cloud.client("cognito-idp", world.stranger.credentials).admin_delete_user(
        UserPoolId=world.todolist.outputs["UserPoolId"], Username=world.owner.mail
    )


@attack("400 NotAuthorizedException")
def password_changed_with_a_wrong_one(world: World) -> Any:
    """Changes a password in a session left open, without knowing the present one."""
    person = world.someone_new()
    return world.todolist.idp.change_password(
        AccessToken=person.tokens["AccessToken"], PreviousPassword="Wrong1!wrong1", ProposedPassword=PASSWORD
    )


@attack({"short1!A": "400 InvalidPasswordException", "alllowercaseletters": "400 InvalidPasswordException"})
def weak_password(world: World, password: str) -> Any:
    """Signs up with the password {}."""
    return world.todolist.idp.sign_up(ClientId=_client(world), Username="weak@example.org", Password=password)


@attack("400 ResourceNotFoundException")
def client_of_nobody(world: World) -> Any:
    """Signs up at a client that does not exist."""
    return world.todolist.idp.sign_up(ClientId="a" * 26, Username="x@example.org", Password=PASSWORD)


@attack("400 UserNotConfirmedException")
def unconfirmed(world: World) -> Any:
    """Signs in without having confirmed the address."""
    return _srp(world, _named(world, _sign_up(world)), PASSWORD)


def _named(world: World, mail: str) -> Person:
    """Somebody of whom no more than the address is known."""
    return Person(mail, "", {}, "", {}, world.stranger.api, None)


@attack(
    dict.fromkeys(
        [
            "a@example.org\r\nBcc: everybody@example.org",
            "a@example.org\nSubject: You won",
            "a@example.org,b@example.org",
            "a@example.org b@example.org",
            "Mallory <a@example.org>",
            "a@example.org>",
            "@example.org",
            "a@",
            "nobody",
        ],
        "400 InvalidParameterException",
    )
)
def address_that_is_more(world: World, address: str) -> Any:
    """Signs up with {} as address, to write into the mail's head or to others."""
    before = len(list((world.cloud.mailbox / "new").iterdir()))
    try:
        return _sign_up(world, address, UserAttributes=[{"Name": "email", "Value": address}]) and "signed up"
    finally:
        assert len(list((world.cloud.mailbox / "new").iterdir())) == before


@attack("400 NotAuthorizedException")
def deleted_user_at_the_identity_pool(world: World) -> Any:
    """Shows the identity pool the ID token of a user who was deleted meanwhile."""
    person, todolist = world.someone_new(), world.todolist
    todolist.idp.delete_user(AccessToken=person.tokens["AccessToken"])
    logins = {todolist.provider: person.tokens["IdToken"]}
    return todolist.identity.get_credentials_for_identity(IdentityId=person.identity_id, Logins=logins)


@attack("400 NotAuthorizedException")
def disabled_user_refreshes(world: World) -> Any:
    """Refreshes after an administrator has disabled the user."""
    person = world.someone_new()
    world.admin("cognito-idp").admin_disable_user(UserPoolId=world.todolist.outputs["UserPoolId"], Username=person.mail)
    return world.todolist.idp.initiate_auth(
        ClientId=_client(world),
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": person.tokens["RefreshToken"]},
    )
