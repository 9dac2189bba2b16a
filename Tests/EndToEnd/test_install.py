"""`make install` and `make uninstall`, on stand-ins for the programs: every file in its place, and none left behind."""

import os
import pathlib
import re
import subprocess

import pytest

from daemon import ROOT

UNITS = ROOT / "packaging/systemd"


@pytest.fixture
def built(tmp_path):
    """A folder like .build/release."""
    folder = tmp_path / "built"
    folder.mkdir()
    for name in ("uploaderd", "uploaderctl"):
        (folder / name).write_text(f'#!/bin/sh\necho "{name} $@"\n')
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def install(tmp_path, built):
    def run(verb, prefix, destdir="", home=tmp_path / "home", check=True):
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PREFIX": str(prefix), "DESTDIR": str(destdir),
                       "UPLOADER_BIN": str(built)}
        done = subprocess.run([ROOT / "packaging/install-files", verb], env=environment, capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stderr
        return done
    return run


def files(folder):
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if not path.is_dir()}


def test_every_file_is_in_its_place(install, tmp_path):
    destdir = tmp_path / "dest"
    install("install", "/usr/local", destdir)
    found = files(destdir / "usr/local")
    found.pop("lib/systemd/user/uploaderd.service.d/10-systemd-254.conf", None)
    assert set(found) == {
        "bin/uploaderd", "bin/uploaderctl", "lib/systemd/user/uploaderd.service", "lib/systemd/user/uploaderd.socket",
        "lib/systemd/catalog/uploaderd.catalog", "share/bash-completion/completions/uploaderctl",
        "share/zsh/site-functions/_uploaderctl", "share/fish/vendor_completions.d/uploaderctl.fish",
        "share/doc/uploaderd/uploaderd.toml", "share/doc/uploaderd/operations.md", "share/doc/uploaderd/formats.md",
        "share/doc/uploaderd/LICENSE",
    }
    assert os.access(found["bin/uploaderd"], os.X_OK)
    assert found["share/zsh/site-functions/_uploaderctl"].read_text() == "uploaderctl completions zsh\n"


def test_paths_in_the_units_follow_the_prefix(install, tmp_path):
    install("install", "/usr/local", tmp_path / "a")
    unit = (tmp_path / "a/usr/local/lib/systemd/user/uploaderd.service").read_text()
    assert "ExecStart=/usr/local/bin/uploaderd\n" in unit and "ExecReload=/usr/local/bin/uploaderctl reload\n" in unit
    assert "/usr/bin/uploader" not in unit
    assert "ExecPaths=/usr -/lib -/lib64\n" in unit
    # Outside of /usr nothing may run unless it is named.
    install("install", "/opt/uploaderd", tmp_path / "b")
    unit = (tmp_path / "b/opt/uploaderd/lib/systemd/user/uploaderd.service").read_text()
    assert "ExecPaths=/usr -/lib -/lib64 /opt/uploaderd/bin\n" in unit
    # What a distribution installs is the unit as it is.
    install("install", "/usr", tmp_path / "c")
    unit = (tmp_path / "c/usr/lib/systemd/user/uploaderd.service").read_text()
    assert unit == (UNITS / "uploaderd.service").read_text()


@pytest.mark.parametrize("typed", ["~/.local", "{home}/.local", "{home}/.local/"])
def test_below_the_home_the_units_go_where_the_users_manager_looks(install, tmp_path, typed):
    home = tmp_path / "home"
    install("install", typed.format(home=home))
    unit = (home / ".local/share/systemd/user/uploaderd.service").read_text()
    assert f"ExecStart={home}/.local/bin/uploaderd\n" in unit
    assert not (home / ".local/lib/systemd/user").exists()


def test_uninstall_removes_exactly_what_install_put_there(install, tmp_path):
    home = tmp_path / "home"
    others = [home / ".local/bin/other", home / ".local/share/systemd/user/other.service",
              home / ".local/share/doc/uploaderd/notes"]
    for path in others:
        path.parent.mkdir(parents=True)
        path.write_text("mine")
    install("install", home / ".local")
    assert len(files(home)) > len(others)
    install("uninstall", home / ".local")
    assert set(files(home).values()) == set(others)
    install("uninstall", home / ".local")


def test_a_second_install_replaces_a_program_that_runs(install, tmp_path):
    home = tmp_path / "home"
    install("install", home / ".local")
    program = home / ".local/bin/uploaderd"
    inode = program.stat().st_ino
    install("install", home / ".local")
    assert program.stat().st_ino != inode


def test_a_failure_installs_nothing(install, built, tmp_path):
    (built / "uploaderctl").write_text("#!/bin/sh\nexit 2\n")
    done = install("install", "/usr/local", tmp_path / "dest", check=False)
    assert done.returncode != 0
    assert "error: " in done.stderr and "completions" in done.stderr and "hint: " in done.stderr
    assert not (tmp_path / "dest").exists()


@pytest.mark.parametrize("prefix", ["relative/path", "/with space", "/with%percent"])
def test_a_prefix_that_units_cannot_hold_is_refused(install, tmp_path, prefix):
    done = install("install", prefix, tmp_path / "dest", check=False)
    assert done.returncode != 0 and done.stderr.startswith("error: ")
    assert not (tmp_path / "dest").exists()


def test_the_unit_names_only_what_verify_knows():
    """`packaging/check` verifies the units; a directive of a newer systemd has to be in the drop-in for it."""
    assert not re.search(r"^(RestartSteps|RestartMaxDelaySec|Type=notify-reload)",
                         (UNITS / "uploaderd.service").read_text(), re.M)
    assert pathlib.Path(UNITS / "uploaderd.service.d/10-systemd-254.conf").exists()
