"""Amazon Cognito user pools: a directory of people who sign up, sign in and are vouched for by signed tokens."""

from stratus.services.cognito_idp.service import CognitoIdp

__all__ = ["CognitoIdp"]
