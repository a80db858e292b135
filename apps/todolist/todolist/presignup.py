"""Cognito's pre sign-up trigger: only addresses of the allowed mail domains may sign up."""

from __future__ import annotations

import os
from typing import Any


class NotAllowed(Exception):  # noqa: N818 - Cognito shows the message: "PreSignUp failed with error ...."
    """The address is of no allowed domain."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The event as it came, which lets the sign-up go on; or NotAllowed. An administrator may create any user."""
    allowed = os.environ["ALLOWED_MAIL_DOMAINS"]
    if allowed != "*" and event["triggerSource"] != "PreSignUp_AdminCreateUser":
        address = event["request"]["userAttributes"].get("email", "")
        if not is_allowed(address, allowed.split(",")):
            raise NotAllowed(f"Sign up with an address of {allowed.replace(',', ', ')}")
    return event


def is_allowed(address: str, domains: list[str]) -> bool:
    """Whether the address is of one of the domains; a subdomain is another domain."""
    name, at, domain = address.rpartition("@")
    return bool(name and at) and "@" not in name and domain.lower() in domains
