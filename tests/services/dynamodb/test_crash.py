"""SIGKILL under writes: what was acknowledged is there, whole, with its index entries and its stream records."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import Harness
from test_streams import Reader

WRITER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from harness import Harness
from test_crash import DEFINITION

async def main(directory, start):
    dynamodb = Harness(Path(directory))
    dynamodb.clock.advance(start)
    if start == 0:
        await dynamodb.table(**DEFINITION)
    async def client(number):
        for turn in range(100000):
            name = f"{start}-{number}-{turn}"
            item = {"pk": {"S": name}, "colour": {"S": "red"}, "v": {"S": "x" * (turn * 37 % 900)}}
            if turn % 3 == 2:
                twin = {**item, "pk": {"S": name + "-twin"}}
                puts = [{"Put": {"TableName": "things", "Item": each}} for each in (item, twin)]
                await dynamodb("TransactWriteItems", TransactItems=puts)
            else:
                await dynamodb("PutItem", TableName="things", Item=item)
            sys.stdout.write(name + "\\n")
            sys.stdout.flush()
    await asyncio.gather(*(client(number) for number in range(16)))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""

DEFINITION: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "colour", "AttributeType": "S"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-colour",
            "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
}


def killed_once(directory: Path, start: int, after: int) -> set[str]:
    arguments = [sys.executable, "-c", WRITER, str(directory), str(start), str(Path(__file__).parent)]
    writer = subprocess.Popen(arguments, stdout=subprocess.PIPE)
    assert writer.stdout is not None
    told = b"".join(writer.stdout.readline() for _ in range(after))
    assert told, "the writer wrote nothing"
    os.kill(writer.pid, signal.SIGKILL)
    told += writer.stdout.read()
    writer.wait()
    return {line.decode() for line in told.split(b"\n")[:-1]}


async def names(dynamodb: Harness, **more: Any) -> set[str]:
    found: set[str] = set()
    start: dict[str, Any] = {}
    while True:
        page = await dynamodb("Scan", TableName="things", **more, **start)
        found |= {item["pk"]["S"] for item in page["Items"]}
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


async def told(dynamodb: Harness) -> set[str]:
    reader = Reader(dynamodb)
    found: set[str] = set()
    iterator = await reader.iterator()
    while True:
        page = await reader("GetRecords", ShardIterator=iterator)
        if not page["Records"]:
            return found
        found |= {record["dynamodb"]["Keys"]["pk"]["S"] for record in page["Records"]}
        iterator = page["NextShardIterator"]


def survives(directory: Path, kills: int, seed: int) -> None:
    acknowledged: set[str] = set()
    chance = random.Random(seed)

    async def check(start: int) -> None:
        dynamodb = Harness(directory)
        dynamodb.clock.advance(start)
        items = await names(dynamodb)
        assert acknowledged <= items
        assert await names(dynamodb, IndexName="by-colour") == items
        assert await told(dynamodb) == items
        assert {name for name in items if name + "-twin" in items} == {
            name for name in items if not name.endswith("-twin") and int(name.split("-")[2]) % 3 == 2
        }
        integrity = dynamodb.service.database.reader.execute("PRAGMA integrity_check").fetchone()
        assert integrity == ("ok",)
        await dynamodb.service.stop()

    for start in range(kills):
        acknowledged |= killed_once(directory, start, chance.randint(1, 300))
        asyncio.run(check(start))


def test_given_sigkill_then_items_indexes_and_stream_agree(tmp_path: Path) -> None:
    survives(tmp_path, kills=4, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_given_200_sigkills_then_items_indexes_and_stream_agree(tmp_path: Path) -> None:
    survives(tmp_path, kills=200, seed=2)
