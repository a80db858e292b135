"""The compiled evaluator against a naive one, written from the User Guide's text alone, on generated policies and requests.

The reference reads JSON anew for each decision, matches wildcards by recursion over single characters and knows no shortcuts.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stratus.iam.policy.compiled import Policy
from stratus.iam.policy.context import Context
from stratus.iam.policy.document import Use, read
from stratus.iam.policy.evaluation import Policies, decide
from stratus.iam.policy.principals import Requester

ACCOUNT = "111122223333"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/s1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Reader"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
REQUESTERS = {
    "session": Requester(account=ACCOUNT, direct=SESSION, identity=ROLE),
    "user": Requester(account=ACCOUNT, direct=USER, identity=USER),
    "service": Requester(service="lambda.amazonaws.com"),
    "anonymous": Requester(),
    "web": Requester(federated="cognito-identity.amazonaws.com"),
}

Keys = Mapping[str, tuple[str, ...]]
UNRESOLVED = object()


# --- the reference ---------------------------------------------------------------------------------------------------------


def glob(pattern: tuple, text: str) -> bool:
    @cache
    def fits(i: int, j: int) -> bool:
        if i == len(pattern):
            return j == len(text)
        if pattern[i] == ("*",):
            return any(fits(i + 1, k) for k in range(j, len(text) + 1))
        if j == len(text):
            return False
        return (pattern[i] == ("?",) or pattern[i] == text[j]) and fits(i + 1, j + 1)

    return fits(0, 0)


def expand(text: str, keys: Keys, version: str, wild: bool) -> Any:
    out: list[Any] = []
    while text:
        if text.startswith("${") and version == "2012-10-17":
            inside, text = text[2:].split("}", 1)
            if inside in ("*", "?", "$"):
                out.append(inside)
                continue
            name, _, default = inside.partition(", ")
            values = keys.get(name.lower())
            if values is not None and len(values) == 1:
                out += list(values[0])
            elif default:
                out += list(default.strip("'"))
            else:
                return UNRESOLVED
        else:
            out.append((text[0],) if wild and text[0] in "*?" else text[0])
            text = text[1:]
    return tuple(out)


def listed(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def resource_matches(statement: dict, resource: str, keys: Keys, version: str) -> bool:
    if "Resource" not in statement and "NotResource" not in statement:
        return True
    negated = "NotResource" in statement
    patterns = [expand(p, keys, version, True) for p in listed(statement.get("Resource", statement.get("NotResource")))]
    known = [p for p in patterns if p is not UNRESOLVED]
    hit = any(glob(p, resource) for p in known)
    if not negated:
        return hit
    if statement["Effect"] == "Allow" and len(known) < len(patterns):
        return False
    return not hit


def condition_holds(operator: str, key: str, wanted: list, keys: Keys, version: str, effect: str) -> bool:
    given = keys.get(key.lower(), ())
    if operator == "Null":
        return any((not given) == (str(w).lower() == "true") for w in wanted)
    quantifier, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = "Not" in name
    if not given:
        return if_exists or {"": negated, "ForAllValues": True, "ForAnyValue": False}[quantifier]
    verdicts = []
    for value in given:
        hits = [compare(name.replace("Not", ""), value, w, keys, version) for w in wanted]
        if negated and effect == "Allow" and None in hits:
            verdicts.append(False)
        else:
            verdicts.append((True in hits) != negated)
    if quantifier == "ForAllValues" or (quantifier == "" and effect == "Allow"):
        return all(verdicts)
    return any(verdicts)


def compare(name: str, value: str, wanted: str, keys: Keys, version: str) -> bool | None:
    """None: the policy's value has a variable without a value."""
    if name.startswith("String"):
        pattern = expand(wanted, keys, version, name == "StringLike")
        if pattern is UNRESOLVED:
            return None
        if name == "StringEqualsIgnoreCase":
            return "".join(pattern).lower() == value.lower()
        return glob(pattern, value)
    if name == "Bool":
        return value.lower() == wanted.lower()
    assert name == "NumericLessThan"
    try:
        return float(value) < float(wanted)
    except ValueError:
        return False


def action_matches(statement: dict, action: str) -> bool:
    negated = "NotAction" in statement
    patterns = listed(statement.get("Action", statement.get("NotAction")))
    hit = any(glob(tuple((c,) if c in "*?" else c for c in p.lower()), action.lower()) for p in patterns)
    return hit != negated


def closeness(statement: dict, who: Requester) -> int:
    """0 not named; 1 through the account; 2 role or everyone; 3 itself."""
    root = f"arn:aws:iam::{ACCOUNT}:root"
    if "NotPrincipal" in statement:
        names = {n for group in statement["NotPrincipal"].values() for n in listed(group)}
        chain = [n for n in (who.service, who.federated, who.direct, who.identity) if n]
        chain_listed = [n in names for n in chain] + ([root in names or ACCOUNT in names] if who.direct else [])
        if statement["Effect"] == "Deny":
            return 0 if chain_listed and all(chain_listed) else 2
        return 0 if any(chain_listed) else 2
    principal = statement["Principal"]
    groups = {"AWS": ["*"]} if principal == "*" else {k: listed(v) for k, v in principal.items()}
    aws = groups.get("AWS", [])
    if (
        (who.direct and who.direct in aws)
        or who.service in groups.get("Service", [])
        or who.federated in groups.get("Federated", [])
    ):
        return 3
    if "*" in aws or (who.identity and who.identity in aws):
        return 2
    return 1 if who.account and (who.account in aws or root in aws) else 0


def applying(document: dict, who: Requester, action: str, resource: str, keys: Keys) -> list[tuple[str, int]]:
    version = document.get("Version", "2008-10-17")
    found = []
    for statement in document["Statement"]:
        level = closeness(statement, who) if "Principal" in statement or "NotPrincipal" in statement else 2
        conditions = statement.get("Condition", {})
        if (
            level
            and action_matches(statement, action)
            and resource_matches(statement, resource, keys, version)
            and all(
                condition_holds(operator, key, listed(wanted), keys, version, statement["Effect"])
                for operator, tests in conditions.items()
                for key, wanted in tests.items()
            )
        ):
            found.append((statement["Effect"], level))
    return found


def allowed(who: Requester, action: str, resource: str, keys: Keys, parts: dict[str, Any]) -> bool:
    seen = {name: [applying(d, who, action, resource, keys) for d in documents] for name, documents in parts.items()}
    everything = [effect for layer in seen.values() for document in layer for effect, _ in document]
    if "Deny" in everything:
        return False

    def allows(name: str) -> bool:
        return any(effect == "Allow" for document in seen[name] for effect, _ in document)

    within = (not parts["boundary"] or allows("boundary")) and (not parts["session"] or allows("session"))
    granted = max((level for document in seen["resource"] for _, level in document), default=0)
    return granted == 3 or (granted == 2 and within) or (allows("identity") and within)


# --- generated policies and requests ---------------------------------------------------------------------------------------

actions = st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:ListBucket", "dynamodb:GetItem"])
action_patterns = st.sampled_from(
    ["*", "s3:*", "S3:Get*", "s3:?etObject", "s3:*Object", "dynamodb:GetItem", "s3:ListBucket"]
)
name_texts = st.text("ab*?/\n", max_size=4)
resources = st.tuples(st.sampled_from(["b", "c"]), name_texts).map(lambda t: f"arn:aws:s3:::{t[0]}/{t[1]}")
pattern_tails = st.lists(
    st.sampled_from(
        [
            "a",
            "b",
            "/",
            "*",
            "?",
            "\n",
            "${aws:username}",
            "${aws:username, 'a'}",
            "${*}",
            "${?}",
            "${$}",
            "${missing:key}",
        ]
    ),
    max_size=5,
).map("".join)
resource_patterns = st.one_of(
    st.just("*"),
    st.tuples(st.sampled_from(["b", "c", "*"]), pattern_tails).map(lambda t: f"arn:aws:s3:::{t[0]}/{t[1]}"),
)
string_operators = st.sampled_from(
    [
        f"{q}{o}{e}"
        for q in ("", "ForAllValues:", "ForAnyValue:")
        for o in (
            "StringEquals",
            "StringNotEquals",
            "StringLike",
            "StringNotLike",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
        )
        for e in ("", "IfExists")
    ]
)
other_operators = st.sampled_from(["Bool", "NumericLessThan", "NumericLessThanIfExists", "ForAnyValue:Bool"])
condition_keys = st.sampled_from(["aws:username", "AWS:UserName", "s3:prefix", "x:multi", "x:number", "missing:key"])
condition_values = st.one_of(pattern_tails, st.sampled_from(["true", "3", "7", "A"]))


@st.composite
def conditions(draw: st.DrawFn) -> dict:
    block: dict = {}
    for _ in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from(["string", "string", "other", "null"]))
        key = draw(condition_keys)
        if kind == "string":
            block.setdefault(draw(string_operators), {})[key] = draw(
                st.one_of(condition_values, st.lists(condition_values, min_size=1, max_size=3))
            )
        elif kind == "null":
            block.setdefault("Null", {})[key] = draw(st.sampled_from(["true", "false"]))
        else:
            operator = draw(other_operators)
            block.setdefault(operator, {})[key] = draw(
                st.sampled_from(["true", "false"] if "Bool" in operator else ["3", "5", "12"])
            )
    return block


principals = st.one_of(
    st.just("*"),
    st.dictionaries(
        st.just("AWS"),
        st.lists(
            st.sampled_from(["*", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ROLE, USER, SESSION, "999999999999"]),
            min_size=1,
            max_size=3,
        ),
        min_size=1,
    ),
    st.just({"Service": "lambda.amazonaws.com"}),
    st.just({"Federated": "cognito-identity.amazonaws.com"}),
)


@st.composite
def statements(draw: st.DrawFn, principal: bool) -> dict:
    statement: dict = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"]))}
    statement[draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))] = draw(
        st.lists(action_patterns, min_size=1, max_size=2)
    )
    statement[draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"]))] = draw(
        st.lists(resource_patterns, min_size=1, max_size=2)
    )
    if block := draw(conditions()):
        statement["Condition"] = block
    if principal:
        chosen = draw(principals)
        negated = chosen != "*" and "*" not in listed(chosen.get("AWS", [])) and draw(st.integers(0, 4)) == 0
        statement["NotPrincipal" if negated else "Principal"] = chosen
    return statement


def documents(principal: bool = False) -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries(
        {
            "Version": st.sampled_from(["2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17"]),
            "Statement": st.lists(statements(principal), min_size=1, max_size=3),
        }
    )


contexts = st.fixed_dictionaries(
    {},
    optional={
        "aws:username": st.tuples(name_texts),
        "s3:prefix": st.tuples(name_texts),
        "x:multi": st.lists(name_texts, max_size=3).map(tuple),
        "x:number": st.tuples(st.sampled_from(["1", "4", "11", "true", "many"])),
    },
)


@given(
    who=st.sampled_from(sorted(REQUESTERS)),
    action=actions,
    resource=resources,
    keys=contexts,
    identity=st.lists(documents(), max_size=2),
    boundary=st.lists(documents(), max_size=1),
    session=st.lists(documents(), max_size=2),
    resource_policy=st.lists(documents(principal=True), max_size=1),
)
@settings(max_examples=800, deadline=None)
def test_given_any_policies_when_a_request_is_decided_then_the_reference_decides_the_same(
    who, action, resource, keys, identity, boundary, session, resource_policy
):
    requester = REQUESTERS[who]
    if not requester.identity:
        identity, boundary, session = [], [], []
    parts = {"identity": identity, "boundary": boundary, "session": session, "resource": resource_policy}
    expected = allowed(requester, action, resource, keys, parts)

    def compiled(documents: list[dict], use: Use = Use.IDENTITY) -> list[Policy]:
        return [Policy(read(json.dumps(document), use)) for document in documents]

    policies = Policies(
        identity=compiled(identity),
        boundary=next(iter(compiled(boundary)), None),
        session=compiled(session),
        resource=next(iter(compiled(resource_policy, Use.RESOURCE)), None),
    )
    denial = decide(requester, action, resource, policies, Context(keys))
    assert (denial is None) is expected


@given(pattern=st.text("ab*?", max_size=8), text=st.text("ab\n", max_size=10))
@settings(max_examples=600, deadline=None)
def test_given_any_wildcards_when_matched_then_the_reference_matches_the_same(pattern, text):
    from stratus.iam.policy.pattern import Pattern

    naive = glob(tuple((c,) if c in "*?" else c for c in pattern), text)
    assert Pattern(pattern).matches(text, Context()) is naive
