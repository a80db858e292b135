"""Rules of AWS that cfn-lint does not know (docs/aws-limits.md): refused before anything is made, and checked by cfn-lint through `tools/cfn_lint_rules`."""

from stratus.template.limits import api_body, sign_in, table_indexes
from stratus.template.limits.limit import Limit

LIMITS: tuple[Limit, ...] = (*api_body.LIMITS, *table_indexes.LIMITS, *sign_in.LIMITS)
