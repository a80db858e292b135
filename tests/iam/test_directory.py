"""What was saved is there after a restart, just as it was; changes that meet do not lose each other."""

import asyncio
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from stratus.iam.directory import Directory
from stratus.iam.entities import AccessKey, ManagedPolicy, PolicyVersion, Role, User

texts = st.text(st.characters(codec="utf-8"), max_size=8)
names = st.text("abcAB+=,.@-_1", min_size=1, max_size=6)
times = st.floats(0, 4e9)
maps = st.dictionaries(texts, texts, max_size=3)
identities = {
    "name": names,
    "id": texts,
    "created": times,
    "inline": maps,
    "attached": st.lists(texts, max_size=3).map(tuple),
    "boundary": st.none() | texts,
    "tags": maps,
}
versions = st.lists(st.builds(PolicyVersion, id=texts, text=texts, created=times), min_size=1, max_size=3).map(tuple)
entities = st.one_of(
    st.builds(User, **identities),
    st.builds(Role, **identities, trust=texts, trusted=maps, description=texts, max_session=st.integers(3600, 43200)),
    st.builds(
        ManagedPolicy, name=names, id=texts, created=times, updated=times, default=texts, versions=versions, tags=maps
    ),
    st.builds(AccessKey, name=names, user=names, sealed=texts, created=times, active=st.booleans()),
)


@given(saved=st.lists(st.tuples(entities, st.booleans()), max_size=8))
@settings(max_examples=40, deadline=None)
async def test_given_anything_saved_and_deleted_when_opened_again_then_it_is_the_same(saved):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "iam.sqlite"
        directory = Directory(path)
        await directory.save(settings={"account": "111122223333"})
        for entity, deleted in saved:
            await directory.save(entity)
            if deleted:
                await directory.save(delete=[entity])
        before = everything(directory)
        await directory.close()
        directory = Directory(path)
        assert everything(directory) == before
        assert directory.account == "111122223333"
        await directory.close()


def everything(directory: Directory) -> list:
    keys = [key for user in {"", *(u.name for u in directory.users())} for key in directory.access_keys(user)]
    return [directory.users(), directory.roles(), directory.policies(), sorted(keys, key=lambda key: key.name)]


async def test_given_many_changes_at_once_when_each_reads_before_it_writes_then_none_is_lost(tmp_path):
    directory = Directory(tmp_path / "iam.sqlite")
    await directory.save(Role(name="Reader", id="AROA", created=0.0, trust="{}"))

    async def tag(key: str) -> None:
        async with directory.changing():
            role = directory.role("Reader")
            assert role is not None
            await directory.save(replace(role, tags={**role.tags, key: ""}))

    await asyncio.gather(*(tag(str(number)) for number in range(50)))
    role = directory.role("Reader")
    assert role is not None
    assert len(role.tags) == 50
    await directory.close()


async def test_given_names_that_differ_in_case_then_taken_but_not_found(tmp_path):
    directory = Directory(tmp_path / "iam.sqlite")
    await directory.save(Role(name="Reader", id="AROA", created=0.0, trust="{}"), settings={"account": "1"})
    assert directory.taken("role", "READER")
    assert directory.role("reader") is None
    assert directory.identity("arn:aws:iam::1:role/reader") is None
    assert directory.identity("arn:aws:iam::2:role/Reader") is None
    assert directory.identity("arn:aws:iam::1:user/Reader") is None
    assert directory.identity("arn:aws:iam::1:role/path/Reader") is None
    assert directory.identity("arn:aws:iam::1:role/Reader") is not None
    await directory.close()
