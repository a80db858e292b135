"""What a caller must be allowed."""

from dataclasses import dataclass, field

from stratus.iam.principal import ContextValues


@dataclass(frozen=True, slots=True)
class Access:
    """One thing the caller must be allowed: `Access("s3:GetObject", "arn:aws:s3:::b/k")`, with the service's own condition keys."""

    action: str
    resource: str
    context: ContextValues = field(default_factory=dict)
