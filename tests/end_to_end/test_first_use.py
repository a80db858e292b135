"""What a new user does first: sign up, keep to-dos, put a file in their own folder."""

import uuid

import pytest
from botocore.exceptions import ClientError

from tests.end_to_end.conftest import TodoList


def test_a_new_user_has_todos_and_a_file_in_their_folder(todolist: TodoList) -> None:
    person = todolist.new_person()

    made = person.api.post("/lists", json={"name": "Home"})
    assert made.status_code == 201, made.text
    list_id = made.json()["id"]
    todo = person.api.post("/todos", json={"listId": list_id, "title": "Water the plants 🌱"})
    assert todo.status_code == 201, todo.text
    page = person.api.get("/todos", params={"list": list_id})
    assert page.status_code == 200, page.text
    assert [item["title"] for item in page.json()["todos"]] == ["Water the plants 🌱"]

    bucket = todolist.outputs["FilesBucket"]
    person.s3.put_object(Bucket=bucket, Key=person.folder + "photo.txt", Body=b"a photo")
    assert person.s3.get_object(Bucket=bucket, Key=person.folder + "photo.txt")["Body"].read() == b"a photo"
    listed = person.s3.list_objects_v2(Bucket=bucket, Prefix=person.folder)
    assert [item["Key"] for item in listed["Contents"]] == [person.folder + "photo.txt"]


def test_nobody_sees_what_is_another_users(todolist: TodoList) -> None:
    owner, stranger = todolist.new_person(), todolist.new_person()
    bucket = todolist.outputs["FilesBucket"]
    owner.s3.put_object(Bucket=bucket, Key=owner.folder + "diary", Body=b"secret")
    list_id = owner.api.post("/lists", json={"name": "Mine"}).json()["id"]
    todo = owner.api.post("/todos", json={"listId": list_id, "title": "mine"}).json()

    assert stranger.api.get(f"/todos/{todo['id']}").status_code == 404
    assert stranger.api.get(f"/lists/{list_id}").status_code == 404
    assert stranger.api.get("/todos", params={"list": list_id}).json().get("todos", []) == []
    for attempt in (
        lambda: stranger.s3.get_object(Bucket=bucket, Key=owner.folder + "diary"),
        lambda: stranger.s3.put_object(Bucket=bucket, Key=owner.folder + "diary", Body=b"x"),
        lambda: stranger.s3.delete_object(Bucket=bucket, Key=owner.folder + "diary"),
        lambda: stranger.s3.list_objects_v2(Bucket=bucket, Prefix=owner.folder),
        lambda: stranger.s3.list_objects_v2(Bucket=bucket),
    ):
        with pytest.raises(ClientError) as refused:
            attempt()
        assert refused.value.response["Error"]["Code"] == "AccessDenied"


def test_without_a_token_the_api_answers_a_problem(todolist: TodoList) -> None:
    person = todolist.new_person()
    for headers in (
        {"Authorization": ""},
        {"Authorization": "nonsense"},
        {"Authorization": person.tokens["AccessToken"]},
    ):
        answer = person.api.get("/todos", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["status"] == 401


def test_an_unknown_todo_is_a_problem_that_says_so(todolist: TodoList) -> None:
    person = todolist.new_person()
    answer = person.api.get(f"/todos/{uuid.uuid4()}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json")
