"""AWS Security Token Service: temporary credentials, for whom a role's trust policy trusts."""
