"""The mail that a user pool sends, and where the answer says that it went."""

import html

from stratus.mail.mailbox import Mailbox, MailboxFull, Message
from stratus.services.cognito_idp.pool import Pool, sender_of
from stratus.services.cognito_idp.users import User
from stratus.wire.errors import AwsError

_DEFAULT_INVITATION = (
    "Your temporary password",
    "Your username is {username} and temporary password is {####}.",
)


def masked(address: str) -> str:
    """`a***@e***` for `alice@example.com`."""
    local, _, domain = address.partition("@")
    return f"{local[:1]}***@{domain[:1]}***"


def delivery(address: str, attribute: str = "email") -> dict[str, str]:
    """CodeDeliveryDetails."""
    return {"Destination": masked(address), "DeliveryMedium": "EMAIL", "AttributeName": attribute}


def verification(pool: Pool, address: str, code: str) -> Message:
    """The mail with a code, from the pool's template."""
    subject, body = pool.verification_mail()
    return _message(pool, address, subject.replace("{####}", code), body.replace("{####}", code))


def invitation(pool: Pool, user: User, address: str, password: str) -> Message:
    """The mail with a temporary password, from the pool's template."""
    template = pool.settings["AdminCreateUserConfig"].get("InviteMessageTemplate", {})
    subject = template.get("EmailSubject", _DEFAULT_INVITATION[0])
    body = template.get("EmailMessage", _DEFAULT_INVITATION[1])
    shown = address if pool.signs_in_with_email else user.username
    return _message(
        pool, address, subject, body.replace("{username}", html.escape(shown)).replace("{####}", html.escape(password))
    )


def _message(pool: Pool, address: str, subject: str, body: str) -> Message:
    sender, reply_to = sender_of(pool.settings)
    return Message(to=address, subject=subject, html=body, sender=sender, reply_to=reply_to)


async def deliver(mailbox: Mailbox, message: Message, user: User) -> None:
    """Sends `message`; for a stand-in it does the same work and sends nothing, so that time does not tell."""
    try:
        await mailbox.send(message, rehearsal=not user.exists)
    except (MailboxFull, OSError) as error:
        raise AwsError("CodeDeliveryFailureException", "The mail could not be handed in. Try again later.") from error
