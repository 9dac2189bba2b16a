"""`uploaderctl restore`: a file whole or not at all, and nobody's place taken."""

import os
import signal
import subprocess

import pytest

from test_ctl import lines, refused, watched  # noqa: F401: a fixture


def listing(folder):
    return sorted(os.listdir(folder))


def test_restore_takes_nobodys_place(watched, tmp_path):
    file, folder, link, dangling = (tmp_path / name for name in ("file", "folder", "link", "dangling"))
    file.write_bytes(b"mine\n")
    folder.mkdir()
    link.symlink_to("file")
    dangling.symlink_to("nowhere")
    before = listing(tmp_path)
    for path in (file, folder, link, dangling):
        assert refused(watched, "restore", "ten", "--to", path, code=4)["hint"]
    assert refused(watched, "restore", "ten", "--to", folder, "--force", code=4)["hint"]
    assert listing(tmp_path) == before and file.read_bytes() == b"mine\n" and not os.path.exists(dangling)
    # The link is replaced, never what it leads to.
    for path in (link, dangling):
        watched.ctl_run("restore", "ten", "--to", path, "--force")
        assert path.read_bytes() == lines(10) and not path.is_symlink()
    assert file.read_bytes() == b"mine\n" and listing(tmp_path) == before
    watched.ctl_run("restore", "ten", "--to", file, "--force")
    assert file.read_bytes() == lines(10) and file.stat().st_mode & 0o777 == 0o600
    assert listing(tmp_path) == before


def test_a_restored_file_in_a_watched_root_is_no_new_session(watched):
    """Not before somebody goes on with it: then it is one like any other."""
    def sessions():
        watched.ctl_run("flush", "--wait")
        return {entry["sid"]: entry["lines"] for entry in watched.ctl_lines("sessions")}

    root = watched.home / "logs"
    copy = root / "copy.jsonl"
    watched.ctl_run("restore", "ten", "--to", copy)
    try:
        os.setxattr(root, "user.uploaderd.test", b"")
    except OSError:
        # A file system that keeps no extended attributes keeps no mark.
        assert sessions() == {"ten": 10, "copy": 10}
        return
    assert sessions() == {"ten": 10}
    assert watched.daemons[-1].stop() == 0
    watched.daemon()
    assert sessions() == {"ten": 10}
    with copy.open("ab") as file:
        file.write(b'{"n":"on"}\n')
    assert sessions() == {"ten": 10, "copy": 11}
    assert watched.ctl_run("replay", "copy").stdout == copy.read_bytes()
    # Where its own file is gone a session goes on in the restored one.
    (root / "ten.jsonl").unlink()
    watched.ctl_run("restore", "ten", "--to", root / "again.jsonl")
    with (root / "again.jsonl").open("ab") as file:
        file.write(b'{"n":"on"}\n')
    assert sessions() == {"ten": 11, "copy": 11}


def test_restore_replaces_no_device_and_no_fifo(watched, tmp_path):
    # Never a device of the machine's: root may replace it.
    os.mkfifo(tmp_path / "fifo")
    assert "is no file" in refused(watched, "restore", "ten", "--to", tmp_path / "fifo", "--force", code=4)["error"]
    assert (tmp_path / "fifo").is_fifo()


def test_restore_that_cannot_succeed_leaves_nothing(watched, tmp_path):
    assert "replay" in refused(watched, "restore", "ten", "--to", "-", code=2)["hint"]
    assert refused(watched, "restore", "ten", code=2)["hint"]
    assert "directory" in refused(watched, "restore", "ten", "--to", tmp_path / "none/x", code=6)["hint"]
    assert refused(watched, "restore", "none", "--to", tmp_path / "x", code=1)["hint"]
    assert refused(watched, "restore", "ten", "--to-checkpoint", "latest", "--to", tmp_path / "x", code=1)["hint"]
    assert refused(watched, "restore", "ten", "--to", tmp_path / ("x" * 300), code=6)
    assert listing(tmp_path) == [] and not (watched.home / "-").exists()


@pytest.mark.root
def test_restore_without_permission(world, tmp_path):
    world.configure('[[watch]]\nroot = "~/logs"\n')
    world.write("logs/ten.jsonl", lines(10))
    world.become_ordinary()
    world.daemon()
    world.ctl_run("flush", "--wait")
    tmp_path.chmod(0o755)
    error = refused(world, "restore", "ten", "--to", "/etc/ten.jsonl", code=4)
    assert "Permission denied" in error["error"]


@pytest.mark.root
def test_restore_to_a_full_disk(watched, tmp_path):
    watched.write("logs/big.jsonl", lines(100_000))
    watched.ctl_run("flush", "--wait")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", tmp_path], check=True)
    try:
        (tmp_path / "old").write_bytes(b"old\n")
        for words in (["--to", tmp_path / "new"], ["--to", tmp_path / "old", "--force"]):
            assert "space" in refused(watched, "restore", "big", *words, code=6)["hint"]
        assert listing(tmp_path) == ["old"] and (tmp_path / "old").read_bytes() == b"old\n"
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def written_by(process):
    """Bytes that a process has written so far; None when it has ended."""
    try:
        with open(f"/proc/{process.pid}/io") as file:
            return int(file.read().split()[3])
    except OSError:
        return None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_restore_that_is_interrupted_leaves_nothing(watched, tmp_path, number):
    data = lines(400_000)
    watched.write("logs/big.jsonl", data)
    watched.ctl_run("flush", "--wait")
    (tmp_path / "old").write_bytes(b"old\n")
    interrupted = 0
    for part, words in [(part, words) for part in (0, 1, 5, 9) for words in (["new"], ["old", "--force"])]:
        process = subprocess.Popen(
            [*watched.command("uploaderctl"), "--socket", watched.socket, "restore", "big", "--to", tmp_path / words[0],
             *words[1:]], env=watched.environment(), stdout=subprocess.DEVNULL)
        while (written := written_by(process)) is not None and written < len(data) * part // 10:
            pass
        process.send_signal(number)
        interrupted += process.wait() != 0
        for name in listing(tmp_path):
            # Whole, or not at all.
            assert name in ("new", "old"), name
            assert (tmp_path / name).read_bytes() in ([b"old\n", data] if name == "old" else [data])
        (tmp_path / "new").unlink(missing_ok=True)
        (tmp_path / "old").write_bytes(b"old\n")
    assert interrupted
