"""All sessions of a bucket as a table, by tools that nobody here wrote: DuckDB and pyarrow, over s3fs."""

import collections
import json

import duckdb
import pyarrow
import pyarrow.dataset
import pytest
import s3fs
from pyarrow import csv

import manifest_reader
from object_servers import Rclone, Swift
from conservation import sessions_of

SERVERS = [pytest.param(Rclone, id="rclone"), pytest.param(Swift, id="swift", marks=pytest.mark.root)]
GLOB = "sessions/sessions/*/segments/*.jsonl.gz"


@pytest.fixture(params=SERVERS)
def server(request):
    server = request.param()
    yield server
    server.close()


@pytest.fixture
def bucket(server):
    # Without the cache of listings of another test's server.
    return s3fs.S3FileSystem(
        key=server.key, secret=server.secret, client_kwargs={"region_name": server.region},
        endpoint_url=server.endpoint, skip_instance_cache=True)


@pytest.fixture
def types(world, server, bucket):
    """How often each type of line is in main streams; they are in the bucket, in segments of several members."""
    world.configure('[segments]\nmax_bytes = "300KiB"\n[merge]\nenabled = false\n' + server.destination())
    server.write_key(world)
    sessions = sessions_of(world, "table", 5, 400_000)
    world.once()
    count = {}
    for session in sessions:
        (path,) = [path for path, stream in session.streams.items() if stream == "main"]
        for line in (world.home / path).read_bytes().splitlines():
            kind = json.loads(line).get("type")
            count[kind] = count.get(kind, 0) + 1
    store = server.mirror(world.base / "mirror")
    segments = [entry for session in sessions for entry in manifest_reader.read(store, session.sid).manifest["segments"]]
    assert len(segments) > len(sessions) and any("members" in entry for entry in segments)
    return count


def test_duckdb_reads_all_sessions_of_a_bucket_with_one_glob(types, bucket):
    # As docs/operations.md has it.
    table = duckdb.connect()
    table.register_filesystem(bucket)
    found = table.sql(f"""
        SELECT json_extract_string(json, '$.type') AS type, count(*) AS lines
        FROM read_ndjson_objects('s3://{GLOB}') GROUP BY type""").fetchall()
    assert dict(found) == types
    # And whose line is whose: by the name of its file.
    ((sids,),) = table.sql(
        f"SELECT count(DISTINCT split_part(filename, '/', -3)) FROM read_ndjson_objects('s3://{GLOB}', filename = true)"
    ).fetchall()
    assert sids == 5


def test_pyarrow_reads_all_sessions_of_a_bucket_with_one_glob(types, bucket):
    # As docs/operations.md has it: a line is a row, for its JSON parser wants a field to be of one type in all of them.
    lines = pyarrow.dataset.dataset(
        bucket.glob(GLOB), filesystem=bucket, format=pyarrow.dataset.CsvFileFormat(
            parse_options=csv.ParseOptions(delimiter="\x01", quote_char=False),
            read_options=csv.ReadOptions(column_names=["line"], block_size=64 << 20)),
        schema=pyarrow.schema([("line", pyarrow.string())]))
    count = collections.Counter(
        json.loads(line).get("type") for batch in lines.to_batches() for line in batch.column("line").to_pylist())
    assert count == types
