"""Credentials in the daemon's memory: what is needed again is there once, and nothing else of it."""

import pytest

from age_tool import Key, table
from agnes_double import AgnesDouble
from confab_double import ConfabDouble
from confab_scene import homes
from object_servers import Rclone
from supabase_double import SupabaseDouble


def copies(daemon, secret):
    """How often a text is in the memory that the process may read."""
    found = 0
    with open(f"/proc/{daemon.pid}/maps") as maps, open(f"/proc/{daemon.pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, modes, *_ = line.split()
            if "r" not in modes or "[v" in line:
                continue
            start, end = (int(each, 16) for each in span.split("-"))
            try:
                memory.seek(start)
                found += memory.read(end - start).count(secret.encode())
            except OSError:
                # Gone since, or a page that guards a stack.
                continue
    return found


@pytest.mark.root
def test_no_more_of_a_credential_stays_than_is_needed_again(world):
    rclone, age = Rclone(), Key(world.home / "identity")
    with (ConfabDouble(world.base / "confab") as confab, AgnesDouble(world.base / "agnes") as agnes,
          SupabaseDouble() as supabase):
        keys = world.home / ".config/uploaderd"
        keys.mkdir(parents=True, exist_ok=True)

        def key(name, text):
            path = keys / name
            path.touch(mode=0o600)
            path.write_text(text + "\n")
            return f'credentials = "{path}"\n'
        world.configure(
            f'[[destination]]\nname = "c"\ntype = "confab"\nurl = "{confab.url}"\n{key("c", confab.key)}'
            f'[[destination]]\nname = "a"\ntype = "agnes"\nurl = "{agnes.url}"\n{key("a", agnes.token)}'
            f'[[destination]]\nname = "s"\ntype = "supabase"\nurl = "{supabase.url}"\n{key("s", supabase.key)}'
            f'[[destination]]\nname = "e"\ntype = "directory"\npath = "{world.base}/e"\n' + table(age)
            + rclone.destination("r"))
        rclone.write_key(world)
        homes(world, 5)
        daemon = world.daemon()
        world.ctl_run("flush", "--wait")
        world.ctl_run("verify", "--deep")
        found = {name: copies(daemon, secret) for name, secret in {
            "confab": confab.key, "agnes": agnes.token, "supabase": supabase.key, "s3": rclone.secret,
            "age": age.secret}.items()}
        assert daemon.stop() == 0
    rclone.close()
    # The next request needs them; of an identity only its bytes are needed, and not its text.
    assert found == {"confab": 1, "agnes": 1, "supabase": 1, "s3": 1, "age": 0}
