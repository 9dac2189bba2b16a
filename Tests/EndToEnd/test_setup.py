"""`packaging/find-swift` and `packaging/install-deps`: what they find, and what they say when they do not."""

import os
import resource
import subprocess

import pytest

from daemon import ROOT

FIND = ROOT / "packaging/find-swift"
DEPENDENCIES = ROOT / "packaging/install-deps"


@pytest.fixture
def toolchain(tmp_path):
    """Makes a stand-in for swift that says it is of a version (or that fails), and returns its folder."""
    def make(where, said, code=0):
        folder = tmp_path / where
        folder.mkdir(parents=True)
        (folder / "swift").write_text(f"#!/bin/sh\necho '{said}'\nexit {code}\n")
        (folder / "swift").chmod(0o755)
        return folder
    return make


def find(tmp_path, path="", **environment):
    return subprocess.run(
        ["/bin/sh", FIND], capture_output=True, text=True,
        env={"PATH": f"{path}:/usr/bin:/bin", "HOME": str(tmp_path), **environment})


def version(number):
    return f"Swift version {number} (swift-{number}-RELEASE)"


@pytest.mark.parametrize("number", ["6.3", "6.3.1", "6.10", "7.0"])
def test_the_one_on_the_path_is_taken(tmp_path, toolchain, number):
    folder = toolchain("bin", version(number))
    assert find(tmp_path, folder).stdout == f"{folder}/swift\n"


def test_the_one_that_was_asked_for_comes_first(tmp_path, toolchain):
    asked = toolchain("asked", version("6.3"))
    assert find(tmp_path, toolchain("bin", version("6.4")), SWIFT=f"{asked}/swift").stdout == f"{asked}/swift\n"


def test_one_that_was_asked_for_and_is_old_is_refused(tmp_path, toolchain):
    asked = toolchain("asked", version("6.1.2"))
    done = find(tmp_path, toolchain("bin", version("6.4")), SWIFT=f"{asked}/swift")
    assert done.returncode == 2 and done.stdout == ""
    assert "6.1" in done.stderr and "SWIFT" in done.stderr and "https://www.swift.org/install/linux/" in done.stderr


def test_an_old_one_on_the_path_is_passed_over_for_swiftlys(tmp_path, toolchain):
    swiftly = toolchain(".local/share/swiftly/bin", version("6.3.2"))
    assert find(tmp_path, toolchain("bin", version("5.10"))).stdout == f"{swiftly}/swift\n"


def test_one_that_does_not_start_is_passed_over(tmp_path, toolchain):
    swiftly = toolchain(".local/share/swiftly/bin", version("6.3.2"))
    broken = toolchain("bin", "error while loading shared libraries: libncurses.so.6", 127)
    assert find(tmp_path, broken).stdout == f"{swiftly}/swift\n"


def test_without_any_it_says_where_to_get_one(tmp_path):
    done = find(tmp_path, SWIFT=str(tmp_path / "none"))
    assert done.returncode == 2
    assert "https://www.swift.org/install/linux/" in done.stderr


def test_nothing_missing_takes_no_time_and_no_network(tmp_path):
    """Well under a second of work, and none of the programs that install is called: those in their place would say so."""
    for name in ("apt-get", "apt-cache", "sudo", "pip"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} >>{tmp_path}/called\n")
        (tmp_path / name).chmod(0o755)

    def run():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([DEPENDENCIES, "--test"], check=True, capture_output=True,
                       env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Not by the clock: others may be at work on this machine.
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # The first run may make the venv.
    run()
    assert min(run() for _ in range(3)) < 1
    assert not (tmp_path / "called").exists()


@pytest.fixture
def lacking(tmp_path):
    """A PATH on which dpkg-query knows no package, sudo is refused and apt-get reports that it was called."""
    folder = tmp_path / "lacking"
    folder.mkdir()
    for name, body in {"dpkg-query": "exit 0", "sudo": "exit 1", "id": "echo 1000",
                       "apt-get": f"touch {tmp_path}/apt-was-called"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return folder


def test_without_rights_it_prints_the_line_and_ends_with_2(tmp_path, lacking):
    done = subprocess.run(
        ["/bin/sh", DEPENDENCIES, "--build"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "PATH": f"{lacking}:{os.environ['PATH']}"})
    assert done.returncode == 2
    line = next(line for line in done.stderr.splitlines() if "apt-get install" in line)
    for package in ("libsystemd-dev", "libsqlite3-dev", "libtomlplusplus-dev", "libncurses6", "pkg-config"):
        assert f" {package}" in line
    # A choice is made, so that the line can be pasted.
    assert "|" not in line.split("apt-get install")[1] and "strace" not in line
    assert not (tmp_path / "apt-was-called").exists()


def test_a_swift_that_only_lacks_packages_is_not_asked_for_again(tmp_path, lacking, toolchain):
    broken = toolchain("bin", "error while loading shared libraries: libncurses.so.6", 127)
    for swift, is_asked_for in [(broken / "swift", False), (tmp_path / "none", True)]:
        done = subprocess.run(
            ["/bin/sh", DEPENDENCIES, "--build"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
            env={**os.environ, "PATH": f"{lacking}:{os.environ['PATH']}", "SWIFT": str(swift)})
        assert done.returncode == 2 and "apt-get install" in done.stderr
        assert ("https://www.swift.org/install/linux/" in done.stderr) == is_asked_for


def test_with_test_the_line_has_what_the_tests_need(lacking):
    done = subprocess.run(
        ["/bin/sh", DEPENDENCIES, "--test"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "PATH": f"{lacking}:{os.environ['PATH']}"})
    assert done.returncode == 2 and " strace" in done.stderr and " dbus-user-session" in done.stderr


def test_an_unknown_argument_is_refused():
    done = subprocess.run([DEPENDENCIES, "--all"], capture_output=True, text=True)
    assert done.returncode == 2 and "--all" in done.stderr
