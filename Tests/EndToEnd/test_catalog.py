"""The journal's catalog belongs to the events that there are: by id, by name, and as systemd reads it."""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CATALOG = ROOT / "packaging/systemd/uploaderd.catalog"
EVENT = ROOT / "Sources/Shared/Vocabulary/Event.swift"


def kinds():
    """Each EventKind's name and MESSAGE_ID, from the source."""
    source = EVENT.read_text()
    body = source[source.index("package var messageID"):]
    prefix = re.search(r'"([0-9a-f]{28})"', body).group(1)
    return {name: prefix + serial for name, serial in re.findall(r'case \.(\w+): "([0-9a-f]{4})"', body)}


def troubles():
    """The kinds whose priority is warning or error."""
    source = EVENT.read_text()
    body = source[source.index("package var priority"):source.index("package var messageID")]
    found = re.search(r"switch self \{(.*?)case \.started", body, re.S).group(1)
    return set(re.findall(r"\.(\w+)\b", found)) - {"error", "warning"}


def entries():
    """(name in the comment above, id, text) of each entry."""
    return re.findall(r"^# (\w+)\n-- ([0-9a-f]{32})\n(.*?)(?=^# \w+\n-- |\Z)", CATALOG.read_text(), re.M | re.S)


def test_every_id_is_the_one_of_the_kind_above_it():
    known = kinds()
    found = entries()
    assert len(found) == CATALOG.read_text().count("\n-- "), "an entry has no comment with its kind's name"
    for name, identifier, _ in found:
        assert known.get(name) == identifier
    assert len({identifier for _, identifier, _ in found}) == len(found)


def test_every_kind_that_is_a_trouble_has_an_entry():
    assert len(troubles()) > 10
    assert troubles() <= {name for name, _, _ in entries()}


def test_every_command_that_a_hint_names_exists(world):
    # Two spaces, then the command: what it takes comes later.
    commands = set(re.findall(r"^  (\w[\w-]*) ", world.ctl_run("--help").stdout.decode(), re.M))
    assert {"status", "resend"} <= commands
    for name, _, text in entries():
        for command in re.findall(r"uploaderctl (\w[\w-]*)", text):
            assert command in commands, name


@pytest.mark.skipif(not shutil.which("journalctl"), reason="needs systemd: packaging/install-deps --test")
def test_systemd_reads_it(tmp_path):
    folder = tmp_path / "usr/lib/systemd/catalog"
    folder.mkdir(parents=True)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    shutil.copy(CATALOG, folder)
    made = subprocess.run(
        ["journalctl", "--update-catalog", f"--root={tmp_path}"], capture_output=True, text=True)
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")
    listed = subprocess.run(
        ["journalctl", "--list-catalog", f"--root={tmp_path}", "--no-pager"], capture_output=True, text=True,
        check=True).stdout
    for name, identifier, text in entries():
        subject = re.search(r"^Subject: (.+)$", text, re.M).group(1)
        assert f"{identifier} uploaderd: {subject}" in listed, name
