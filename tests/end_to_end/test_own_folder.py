"""Each user reaches their own folder and nothing else, in ten thousand tries; and the test sees it when the policy says less."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cloud_under_test import CloudUnderTest
from tests.end_to_end.conftest import APP, TodoList
from tests.end_to_end.own_folder import Leak, Rampage

OPERATIONS = 10_000


@pytest.mark.timeout(600)
def test_ten_thousand_operations_never_show_a_byte_of_anothers(todolist: TodoList) -> None:
    rampage = Rampage(todolist, seed=20)
    rampage.run(OPERATIONS)
    assert rampage.counts["tried"] == OPERATIONS
    assert rampage.counts["legitimate"] >= 0.4 * OPERATIONS, rampage.counts


def foreign_pool_may_not_take_the_role(todolist: TodoList) -> None:
    """A pool of the attacker's own, fed by the same user pool, offers its token for the application's role."""
    admin = todolist.cloud.client("cognito-identity")
    pool_of_app = admin.describe_identity_pool(IdentityPoolId=todolist.outputs["IdentityPoolId"])
    foreign = admin.create_identity_pool(
        IdentityPoolName="foreign",
        AllowUnauthenticatedIdentities=False,
        AllowClassicFlow=True,
        CognitoIdentityProviders=pool_of_app["CognitoIdentityProviders"],
    )["IdentityPoolId"]
    role = admin.get_identity_pool_roles(IdentityPoolId=todolist.outputs["IdentityPoolId"])["Roles"]["authenticated"]
    person = todolist.new_person()
    logins = {todolist.provider: person.tokens["IdToken"]}
    identity = todolist.identity.get_id(IdentityPoolId=foreign, Logins=logins)["IdentityId"]
    token = todolist.identity.get_open_id_token(IdentityId=identity, Logins=logins)["Token"]
    sts = todolist.unsigned("sts", todolist.cloud.endpoint)
    try:
        sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="foreign", WebIdentityToken=token)
    except sts.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
    else:
        raise Leak("a foreign identity pool's token took the role")


def test_a_foreign_identity_pool_may_not_take_the_role(todolist: TodoList) -> None:
    foreign_pool_may_not_take_the_role(todolist)


def rampage(todolist: TodoList) -> None:
    Rampage(todolist, seed=7).run(1500)


MUTANTS: dict[str, tuple[str, str, Callable[[TodoList], None]]] = {
    "the slash after the user's folder is dropped": (
        "/private/${!cognito-identity.amazonaws.com:sub}/*",
        "/private/${!cognito-identity.amazonaws.com:sub}*",
        rampage,
    ),
    "the prefix condition is dropped": (
        'StringLike: { s3:prefix: "private/${cognito-identity.amazonaws.com:sub}/*" }',
        'StringLike: { s3:prefix: "*" }',
        rampage,
    ),
    "the audience is dropped": (
        "StringEquals: { cognito-identity.amazonaws.com:aud: !Ref IdentityPool }",
        'StringLike: { cognito-identity.amazonaws.com:aud: "*" }',
        foreign_pool_may_not_take_the_role,
    ),
}


@pytest.fixture
def mutated(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TodoList]:
    before, after = request.param
    app = tmp_path / "todolist"
    shutil.copytree(APP, app, ignore=shutil.ignore_patterns("tests", ".aws-sam", "__pycache__"))
    text = (app / "template.yaml").read_text()
    assert text.count(before) == 1
    (app / "template.yaml").write_text(text.replace(before, after))
    cloud = CloudUnderTest(tmp_path / "data").start()
    mutant = TodoList(cloud)
    mutant.deploy(app / "template.yaml")
    yield mutant
    cloud.stop()


@pytest.mark.parametrize(
    ("mutated", "attack"),
    [((before, after), attack) for before, after, attack in MUTANTS.values()],
    ids=MUTANTS,
    indirect=["mutated"],
)
def test_a_policy_that_says_less_is_noticed(mutated: TodoList, attack: Callable[[TodoList], None]) -> None:
    with pytest.raises(Leak):
        attack(mutated)
