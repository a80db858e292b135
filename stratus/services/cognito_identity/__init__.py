"""Amazon Cognito identity pools: who a user pool vouches for gets temporary AWS credentials of a role."""

from stratus.services.cognito_identity.service import CognitoIdentity

__all__ = ["CognitoIdentity"]
