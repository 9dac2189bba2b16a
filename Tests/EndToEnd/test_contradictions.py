"""One value of one row of the catalog becomes another that is possible, too: nothing is believed that would lose a line, or tell
one wrongly."""

import contextlib
import json
import sqlite3

import pytest

from conservation import Ledger, backdate

SID = "3ac7652c-cdf8-4404-0729-5e4299901c04"
PATH = f".claude/projects/-p/{SID}.jsonl"


def lines(first, last):
    return b"".join(b'{"type":"user","n":%d}\n' % n for n in range(first, last))


@pytest.fixture
def home(world):
    """Two generations in a store outside the state, the second of two segments; the service is stopped."""
    world.configure(f'[[destination]]\nname = "archive"\npath = "{world.base}/store"\n')
    for content in (lines(0, 10), lines(20, 30), lines(20, 40)):
        world.write(PATH, content)
        backdate(world.home)
        world.once()
    return world


def change(world, sql):
    with contextlib.closing(sqlite3.connect(world.state / "catalog.db")) as catalog:
        catalog.execute("PRAGMA foreign_keys = OFF")
        assert catalog.execute(sql).rowcount > 0
        catalog.commit()


@pytest.mark.parametrize("sql", [
    "UPDATE sessions SET state = 'private'",
    "UPDATE streams SET generation = 0",
    "UPDATE streams SET next_seq = 1",
    "UPDATE streams SET tail_length = 0",
    "UPDATE streams SET head_length = 0",
    "UPDATE segments SET superseded_by = 3 WHERE id = 1",
    "UPDATE segments SET superseded_by = 99 WHERE id = 1",
    "UPDATE segments SET superseded_by = 2 WHERE id = 3",
    "UPDATE copies SET session_id = 99 WHERE segment_id = 3",
    "UPDATE copies SET segment_id = 99 WHERE segment_id = 3",
    "UPDATE copies SET store_id = 99 WHERE segment_id = 3",
    "UPDATE stores SET id = 99",
    "UPDATE manifests SET wanted = 0",
    "UPDATE manifests SET published = 1000",
])
def test_a_catalog_that_contradicts_itself_is_made_anew(home, sql):
    change(home, sql)
    daemon = home.daemon()
    assert list(home.state.glob("catalog.db.broken-*"))
    home.write(PATH, lines(40, 50), "ab")
    home.ctl_run("flush", "--wait")
    assert home.ctl_run("verify", "--deep").returncode == 0
    assert daemon.stop() == 0
    Ledger(home.base / "store").expect({(SID, "main"): [lines(0, 10), lines(20, 50)]})


def test_a_digest_that_is_not_that_of_the_bytes_is_found_and_not_told_any_more(home):
    change(home, """UPDATE streams SET chain_state = CAST(substr(chain_state, 1, 5) ||
        CASE hex(substr(chain_state, 6, 1)) WHEN '00' THEN x'01' ELSE x'00' END || substr(chain_state, 7) AS BLOB)""")
    manifest = home.base / "store/sessions" / SID / "manifest.json"
    daemon = home.daemon()
    home.write(PATH, lines(40, 50), "ab")
    home.ctl_run("flush", "--wait")

    def chains():
        return json.loads(manifest.read_bytes())["chain"]["streams"]["main"]
    assert set(chains()) == {"1", "2"}
    verified = home.ctl_run("verify", "--deep", "--json", check=False)
    assert verified.returncode != 0 and b"is not that of the bytes" in verified.stdout, verified.stdout
    home.ctl_run("flush", "--wait")
    assert set(chains()) == {"1"}
    home.ctl_run("verify", "--deep")
    home.write(PATH, lines(50, 60), "ab")
    home.ctl_run("flush", "--wait")
    assert set(chains()) == {"1", "2"}
    home.ctl_run("verify", "--deep")
    assert daemon.stop() == 0
    Ledger(home.base / "store").expect({(SID, "main"): [lines(0, 10), lines(20, 60)]})
