"""Who calls while a reload puts another engine in place is answered by the new one, or told to call again."""

import collections
import threading

from test_resend import WATCH, archive

CALLS = [("private", "list"), ("sessions",), ("show", "a"), ("replay", "a"), ("verify",), ("audit",),
         ("sessions", "--remote"), ("status",), ("private", "add", "b"), ("private", "remove", "b")]


def rule(number):
    return f'[[redaction.rule]]\nname = "own{number}"\npattern = "own{number}-[0-9]{{12}}"\n'


def test_a_call_during_a_reload_meets_no_closed_state(world):
    config = WATCH + archive(world)
    world.configure(config)
    for sid in "ab":
        world.write(f"logs/{sid}.jsonl", b"".join(b'{"n":%d}\n' % n for n in range(30)))
    world.daemon()
    world.ctl_run("flush", "--wait")
    over = threading.Event()
    answers = collections.Counter()
    said = []

    def call(words):
        while not over.is_set():
            done = world.ctl_run(*words, check=False)
            answers[words[0], done.returncode] += 1
            if done.returncode not in (0, 4) or b"closed" in done.stderr:
                said.append((words, done.returncode, done.stderr))

    threads = [threading.Thread(target=call, args=(words,)) for words in CALLS]
    for thread in threads:
        thread.start()
    # Other rules are compiled while the engine is away: in that time every caller comes by.
    for number in range(3):
        world.configure(config + "".join(rule(each) for each in range(number + 1)))
        world.ctl_run("reload")
    over.set()
    for thread in threads:
        thread.join()
    assert said == [], answers
    assert {words[0] for words in CALLS} == {name for name, code in answers if code == 0}
