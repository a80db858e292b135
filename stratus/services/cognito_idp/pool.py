"""A user pool: its settings under AWS's own names, the keys it signs with, and what may be set at all."""

import json
import re
import secrets
import sqlite3
import string
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from joserfc.jwk import RSAKey

from stratus.services.cognito_idp import attributes, passwords
from stratus.services.cognito_idp.errors import invalid_parameter, not_implemented

Settings = dict[str, Any]

TRIGGERS = ("PreSignUp", "PostConfirmation")
"""The Lambda triggers that run here."""

_ALPHANUMERIC = string.ascii_letters + string.digits
_MAIL_DEFAULTS = {
    "EmailSubject": "Your verification code",
    "EmailMessage": "Your confirmation code is {####}",
    "DefaultEmailOption": "CONFIRM_WITH_CODE",
}


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """One key for ID tokens and one for access tokens, as Cognito's JWKS documents have them."""

    id_token: RSAKey
    access_token: RSAKey

    @classmethod
    def generate(cls) -> "SigningKeys":
        """Two fresh keys; takes long enough to belong in a thread."""
        return cls(*(_key(RSAKey.generate_key(2048, private=True)) for _ in range(2)))

    @classmethod
    def load(cls, text: str) -> "SigningKeys":
        return cls(*(_key(RSAKey.import_key(pem)) for pem in json.loads(text)))

    def dump(self) -> str:
        return json.dumps([key.as_pem(private=True).decode() for key in (self.id_token, self.access_token)])

    def jwks(self) -> dict[str, Any]:
        """The public halves (RFC 7517)."""
        return {"keys": [key.as_dict(private=False) for key in (self.id_token, self.access_token)]}


def _key(key: RSAKey) -> RSAKey:
    return RSAKey.import_key(key.as_pem(private=True), {"kid": key.thumbprint(), "alg": "RS256", "use": "sig"})


@dataclass(frozen=True, slots=True)
class Pool:
    """One user pool. `settings` are those of CreateUserPool with AWS's defaults filled in; `schema` is the whole one."""

    id: str
    settings: Settings
    keys: SigningKeys
    secret: bytes
    created: float
    modified: float

    @property
    def name(self) -> str:
        return str(self.settings["PoolName"])

    @property
    def region(self) -> str:
        return self.id.partition("_")[0]

    @property
    def srp_name(self) -> str:
        """The part of the id that SRP hashes."""
        return self.id.partition("_")[2]

    @property
    def provider_name(self) -> str:
        return f"cognito-idp.{self.region}.amazonaws.com/{self.id}"

    @property
    def issuer(self) -> str:
        """What AWS would give its tokens as `iss` (see `issuers`)."""
        return f"https://{self.provider_name}"

    @property
    def schema(self) -> list[dict[str, Any]]:
        return cast(list[dict[str, Any]], self.settings["SchemaAttributes"])

    @property
    def password_policy(self) -> dict[str, Any]:
        return cast(dict[str, Any], self.settings["Policies"]["PasswordPolicy"])

    @property
    def signs_in_with_email(self) -> bool:
        """The e-mail address takes the user name's place; the name itself is a UUID."""
        return "email" in self.settings.get("UsernameAttributes", ())

    @property
    def email_is_alias(self) -> bool:
        """A verified e-mail address may be used instead of the user name."""
        return "email" in self.settings.get("AliasAttributes", ())

    @property
    def verifies_email(self) -> bool:
        return "email" in self.settings.get("AutoVerifiedAttributes", ())

    @property
    def verifies_before_update(self) -> bool:
        wanted = self.settings.get("UserAttributeUpdateSettings", {})
        return "email" in wanted.get("AttributesRequireVerificationBeforeUpdate", ())

    @property
    def recovers_by_email(self) -> bool:
        setting = self.settings.get("AccountRecoverySetting")
        return setting is None or any(m["Name"] == "verified_email" for m in setting.get("RecoveryMechanisms", ()))

    @property
    def only_admins_create_users(self) -> bool:
        return bool(self.settings["AdminCreateUserConfig"].get("AllowAdminCreateUserOnly"))

    @property
    def deletion_protected(self) -> bool:
        return bool(self.settings.get("DeletionProtection") == "ACTIVE")

    @property
    def mfa(self) -> str:
        """OFF, OPTIONAL or ON."""
        return str(self.settings["MfaConfiguration"])

    def trigger(self, name: str) -> str | None:
        """The ARN of the Lambda function for `PreSignUp` or `PostConfirmation`."""
        arn = self.settings["LambdaConfig"].get(name)
        return str(arn) if arn else None

    def canonical(self, name: str) -> str:
        """`name` as it is compared: NFKC makes look-alikes equal, and case counts only where the pool says so."""
        name = unicodedata.normalize("NFKC", name)
        if self.settings["UsernameConfiguration"]["CaseSensitive"]:
            return name
        return unicodedata.normalize("NFKC", name.casefold())

    def verification_mail(self) -> tuple[str, str]:
        """Subject and body of the mail with a code; `{####}` stands where the code goes."""
        template = self.settings["VerificationMessageTemplate"]
        return template["EmailSubject"], template["EmailMessage"]


def new_pool_id(region: str) -> str:
    return f"{region}_{''.join(secrets.choice(_ALPHANUMERIC) for _ in range(9))}"


def settings_of(params: dict[str, Any]) -> Settings:
    """The settings that CreateUserPool makes of `params`; what Stratus does not do is refused by name."""
    _refuse_unsupported(params)
    settings = {name: value for name, value in params.items() if name not in ("UserPoolId", "Schema")}
    policies = settings.setdefault("Policies", {})
    older_name = params.get("AdminCreateUserConfig", {}).get("UnusedAccountValidityDays")
    validity = {"TemporaryPasswordValidityDays": older_name} if older_name else {}
    policies["PasswordPolicy"] = {**passwords.DEFAULT_POLICY, **validity, **policies.get("PasswordPolicy", {})}
    settings.setdefault("DeletionProtection", "INACTIVE")
    settings.setdefault("LambdaConfig", {})
    settings.setdefault("UsernameConfiguration", {"CaseSensitive": True})
    settings.setdefault("MfaConfiguration", "OFF")
    settings.setdefault("EmailConfiguration", {"EmailSendingAccount": "COGNITO_DEFAULT"})
    settings.setdefault("UserPoolTags", {})
    settings.setdefault("UserPoolTier", "ESSENTIALS")
    settings["AdminCreateUserConfig"] = {"AllowAdminCreateUserOnly": False, **settings.get("AdminCreateUserConfig", {})}
    settings["VerificationMessageTemplate"] = {
        **_MAIL_DEFAULTS,
        **{
            template: settings[old]
            for old, template in (
                ("EmailVerificationSubject", "EmailSubject"),
                ("EmailVerificationMessage", "EmailMessage"),
            )
            if old in settings
        },
        **settings.get("VerificationMessageTemplate", {}),
    }
    settings["SchemaAttributes"] = attributes.build_schema(params.get("Schema", []))
    _check_consistent(settings)
    return settings


def _check_consistent(settings: Settings) -> None:
    if settings.get("UsernameAttributes") and settings.get("AliasAttributes"):
        raise invalid_parameter("Only one of the aliasAttributes or usernameAttributes can be set in a user pool.")
    if settings["UserPoolTags"] and len(settings["UserPoolTags"]) > 50:
        raise invalid_parameter("Tags can have at most 50 entries.")
    early = settings.get("UserAttributeUpdateSettings", {}).get("AttributesRequireVerificationBeforeUpdate", [])
    if not set(early) <= set(settings.get("AutoVerifiedAttributes", [])):
        raise invalid_parameter(
            "Attributes requiring verification before update must be a subset of the auto-verified attributes."
        )
    email = settings["EmailConfiguration"]
    if email.get("EmailSendingAccount") == "DEVELOPER" and not email.get("SourceArn"):
        raise invalid_parameter("Email configuration must have a SourceArn when EmailSendingAccount is DEVELOPER.")


# Each entry: the member, and whether its value asks for what Stratus does not do.
_UNSUPPORTED: dict[str, Callable[[Any], bool]] = {
    "SmsConfiguration": bool,
    "SmsVerificationMessage": bool,
    "SmsAuthenticationMessage": bool,
    "DeviceConfiguration": bool,
    "DcrConfiguration": bool,
    "KeyConfiguration": bool,
    "IssuerConfiguration": bool,
    "AcrConfiguration": bool,
    "UserPoolTier": lambda value: value == "PLUS",
    "AutoVerifiedAttributes": lambda value: bool(set(value) - {"email"}),
    "AliasAttributes": lambda value: bool(set(value) - {"email"}),
    "UsernameAttributes": lambda value: bool(set(value) - {"email"}),
    "LambdaConfig": lambda value: any(arn and name not in TRIGGERS for name, arn in value.items()),
    "UserPoolAddOns": lambda value: value.get("AdvancedSecurityMode") != "OFF" or len(value) > 1,
    "VerificationMessageTemplate": lambda value: (
        value.get("DefaultEmailOption") == "CONFIRM_WITH_LINK" or "SmsMessage" in value
    ),
    "AccountRecoverySetting": lambda value: any(
        mechanism["Name"] == "verified_phone_number" for mechanism in value.get("RecoveryMechanisms", [])
    ),
    "UserAttributeUpdateSettings": lambda value: any(
        name != "email" for name in value.get("AttributesRequireVerificationBeforeUpdate", [])
    ),
    "Policies": lambda value: (
        value.get("PasswordPolicy", {}).get("PasswordHistorySize", 0) > 0
        or value.get("SignInPolicy", {}).get("AllowedFirstAuthFactors", ["PASSWORD"]) != ["PASSWORD"]
    ),
    "EmailConfiguration": lambda value: "ConfigurationSet" in value,
    "AdminCreateUserConfig": lambda value: "SMSMessage" in value.get("InviteMessageTemplate", {}),
}


def _refuse_unsupported(params: dict[str, Any]) -> None:
    for member, asks_too_much in _UNSUPPORTED.items():
        if member in params and asks_too_much(params[member]):
            raise not_implemented(f"{member} {json.dumps(params[member], default=str)}")


def sender_of(settings: Settings) -> tuple[str | None, str | None]:
    """From and Reply-To of the pool's mail: None where the default applies."""
    email = settings["EmailConfiguration"]
    sender = None
    if email.get("EmailSendingAccount") == "DEVELOPER":
        identity = re.sub(r".*:identity/", "", email["SourceArn"])
        sender = email.get("From") or (identity if "@" in identity else None)
    return sender, email.get("ReplyToEmailAddress")


def load_all(connection: sqlite3.Connection) -> dict[str, Pool]:
    return {
        row[0]: Pool(row[0], json.loads(row[1]), SigningKeys.load(row[2]), *row[3:])
        for row in connection.execute("SELECT id, settings, keys, secret, created, modified FROM pools")
    }


def store(connection: sqlite3.Connection, pool: Pool) -> None:
    connection.execute(
        "INSERT INTO pools VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET settings = excluded.settings, modified = excluded.modified",
        (pool.id, json.dumps(pool.settings), pool.keys.dump(), pool.secret, pool.created, pool.modified),
    )


def delete(connection: sqlite3.Connection, pool: Pool) -> None:
    connection.execute("DELETE FROM names WHERE pool = ?", (pool.id,))
    connection.execute("DELETE FROM pools WHERE id = ?", (pool.id,))
