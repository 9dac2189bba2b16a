"""Sessions that the configuration keeps here are never cut; what is not known of a session is not guessed."""

import json

import manifest_reader

WATCH = '[[watch]]\nagent = "claude"\nroot = "~/logs"\n[segments]\nquiet = "50ms"\n'
RULES = '[privacy]\nexclude_directories = ["~/secret"]\n'


def line(cwd, number):
    said = {"cwd": str(cwd)} if cwd else {}
    return json.dumps({"type": "user", **said, "n": number}).encode() + b"\n"


def lines(cwd, count):
    return b"".join(line(cwd, number) for number in range(count))


def stored(world, sid):
    return manifest_reader.read(world.store, sid).latest("main") if (world.store / "sessions" / sid).exists() else None


def nowhere(world, sid):
    return not (world.store / "sessions" / sid).exists() and not (world.state / "spool" / sid).exists()


def session(world, sid, cwd, count=5, mode="wb"):
    return world.write(f"logs/p/{sid}.jsonl", lines(cwd, count), mode)


def standings(world):
    return {each["sid"]: each["standing"] for each in world.ctl_lines("private", "list")}


def test_a_session_of_an_excluded_directory_is_never_cut_nor_are_its_sub_agents(world):
    (world.home / "secret/deep").mkdir(parents=True)
    (world.home / "work").mkdir()
    world.configure(WATCH + RULES)
    session(world, "hidden", world.home / "secret/deep")
    world.write("logs/p/hidden/subagents/agent-one.jsonl", lines(world.home / "secret/deep", 3))
    session(world, "shown", world.home / "work")
    world.once()
    assert nowhere(world, "hidden") and stored(world, "shown") == lines(world.home / "work", 5)
    daemon = world.daemon()
    session(world, "hidden", world.home / "secret/deep", mode="ab")
    assert world.ctl("flush", "--wait")["queued"] == 0
    assert nowhere(world, "hidden") and standings(world) == {"hidden": "excluded"}
    assert world.ctl("status")["health"] == []
    world.ctl_run("private", "remove", "hidden")
    world.ctl_run("flush", "--wait")
    assert stored(world, "hidden") == lines(world.home / "secret/deep", 5) * 2
    assert daemon.stop() == 0


def test_a_session_waits_until_it_says_where_it_runs(world):
    (world.home / "secret").mkdir()
    (world.home / "work").mkdir()
    world.configure(WATCH + RULES)
    session(world, "late", None)
    session(world, "hidden", None)
    world.daemon()
    assert world.ctl_run("flush", "--wait", check=False).returncode == 5
    assert nowhere(world, "late") and nowhere(world, "hidden") and standings(world) == {}
    session(world, "late", world.home / "work", 1, "ab")
    session(world, "hidden", world.home / "secret", 1, "ab")
    world.ctl_run("flush", "--wait")
    assert stored(world, "late") == lines(None, 5) + lines(world.home / "work", 1)
    assert nowhere(world, "hidden") and standings(world) == {"hidden": "excluded"}


def test_one_that_never_says_it_is_held_and_said(world):
    world.configure(WATCH + RULES)
    session(world, "mute", None, 64)
    session(world, "other", None, 64)
    world.once(code=5)
    daemon = world.daemon()
    entry = world.wait_health("session_undecided", "mute")
    assert "directory is not known" in entry["message"] or "was not known" in entry["message"]
    assert nowhere(world, "mute") and standings(world) == {"mute": "undecided", "other": "undecided"}
    world.ctl_run("private", "remove", "mute")
    world.ctl_run("private", "add", "other")
    world.ctl_run("flush", "--wait")
    assert stored(world, "mute") == lines(None, 64) and nowhere(world, "other")
    assert world.ctl("status")["health"] == []
    assert daemon.stop() == 0
    world.once()


def test_rules_that_come_later_keep_the_rest_here_and_report_what_went(world):
    (world.home / "secret").mkdir()
    world.configure(WATCH)
    session(world, "hidden", world.home / "secret")
    world.daemon()
    world.ctl_run("flush", "--wait")
    world.configure(WATCH + RULES)
    world.ctl_run("reload")
    session(world, "hidden", world.home / "secret", mode="ab")
    session(world, "new", world.home / "secret")
    world.ctl_run("flush", "--wait", check=False)
    assert stored(world, "hidden") == lines(world.home / "secret", 5) and nowhere(world, "new")
    assert standings(world) == {"hidden": "excluded", "new": "excluded"}
    assert "hidden" in world.wait_health("excluded_delivered")["message"]
    world.ctl_run("forget", "hidden", "--yes")
    world.wait_healthy()
    world.configure(WATCH)
    world.ctl_run("reload")
    world.ctl_run("flush", "--wait")
    assert stored(world, "new") == lines(world.home / "secret", 5) and standings(world) == {"hidden": "forgotten"}


def test_rules_hold_for_what_a_lost_catalog_takes_up_again(world):
    (world.home / "secret").mkdir()
    world.configure(WATCH)
    session(world, "hidden", world.home / "secret")
    world.once()
    world.configure(WATCH + RULES)
    for path in world.state.glob("catalog.db*"):
        path.unlink()
    for path in (world.state / "manifests").iterdir():
        path.unlink()
    session(world, "hidden", world.home / "secret", mode="ab")
    world.once()
    assert stored(world, "hidden") == lines(world.home / "secret", 5)
    world.daemon()
    assert standings(world) == {"hidden": "excluded"}


def test_a_repository_is_known_by_its_remote(world):
    for name, url in (("acme", "git@github.com:acme/tool.git"), ("mine", "https://github.com/me/tool")):
        world.write(f"{name}/.git/config", f'[remote "origin"]\n\turl = {url}\n', "w")
    world.configure(WATCH + '[privacy]\nexclude_repositories = ["*github.com/acme/*"]\n')
    session(world, "hidden", world.home / "acme")
    session(world, "shown", world.home / "mine")
    world.once()
    assert nowhere(world, "hidden") and stored(world, "shown")
    world.configure(WATCH + '[privacy]\ninclude_only = ["~/acme"]\n')
    session(world, "new", world.home / "mine")
    world.once()
    assert stored(world, "hidden") and nowhere(world, "new")
