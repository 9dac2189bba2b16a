"""Every event that can happen to a file, and what the store has to hold after it.

Each changes the files of a scene of its own, and returns what differs from `Scene.taken`.
"""

import os
import shutil
import uuid

from file_scene import CODEX, append


def append_whole_lines(scene):
    more = scene.more()
    append(scene.path, more)
    return {"it": [scene.data + more]}


def append_half_a_line(scene):
    """It is taken when its end is there, and not before."""
    append(scene.path, b'{"half":')
    return {"it": [scene.data]}


def append_in_small_pieces(scene):
    more = scene.more(30)
    with scene.path.open("ab", buffering=0) as file:
        for start in range(0, len(more), 37):
            file.write(more[start:start + 37])
    return {"it": [scene.data + more]}


def truncate_to_nothing(scene):
    os.truncate(scene.path, 0)
    return {"it": [scene.data]}


def truncate_and_write_less(scene):
    new = scene.more(20)
    scene.path.write_bytes(new)
    return {"it": [scene.data, new]}


def truncate_and_regrow_past_the_offset(scene):
    new = scene.more(500)
    scene.path.write_bytes(new)
    return {"it": [scene.data, new]}


def truncate_in_the_middle(scene):
    keep = scene.data[:scene.data.index(b"\n", len(scene.data) // 2) + 1]
    os.truncate(scene.path, len(keep))
    return {"it": [scene.data, keep]}


def rewrite_with_the_same_size(scene):
    new = scene.data.replace(b'"user"', b'"USER"')
    with scene.path.open("r+b") as file:
        file.write(new)
    return {"it": [scene.data, new]}


def rewrite_with_the_same_size_and_time(scene):
    """As rsync --inplace --times does."""
    before = scene.path.stat()
    new = scene.data.replace(b'"user"', b'"USER"')
    with scene.path.open("r+b") as file:
        file.write(new)
    os.utime(scene.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return {"it": [scene.data, new]}


def copy_and_truncate(scene):
    """logrotate's copytruncate: the copy is called so that it is no session."""
    shutil.copyfile(scene.path, scene.root / "it.jsonl.1")
    os.truncate(scene.path, 0)
    new = scene.more(15)
    append(scene.path, new)
    return {"it": [scene.data, new]}


def renamed(scene, path):
    """The stream goes on under the file's new name."""
    scene.path.rename(path)
    more = scene.more()
    append(path, more)
    return {"it": [scene.data + more]}


def rename_in_its_folder(scene):
    return renamed(scene, scene.root / "else.jsonl")


def rename_to_another_folder(scene):
    return renamed(scene, scene.root / "deep/else.jsonl")


def rename_to_another_root(scene):
    return renamed(scene, scene.beside / "else.jsonl")


def rename_away_and_make_another(scene):
    """logrotate's create: the old file is a session by its new name no more than the new one is the old one's rest."""
    scene.path.rename(scene.root / "it.jsonl.1")
    new = scene.more(15)
    scene.path.write_bytes(new)
    return {"it": [scene.data, new]}


def replace_atomically(scene):
    new = scene.more(200)
    beside = scene.path.with_name(".new.tmp")
    beside.write_bytes(new)
    beside.rename(scene.path)
    return {"it": [scene.data, new]}


def replace_atomically_by_more_of_the_same(scene):
    """As an editor, or a restored home, does: other inode, the same bytes and more."""
    more = scene.more()
    beside = scene.path.with_name(".new.tmp")
    beside.write_bytes(scene.data + more)
    beside.rename(scene.path)
    return {"it": [scene.data + more]}


def replace_atomically_and_link(scene):
    """The second name may be looked at first."""
    told = replace_atomically_by_more_of_the_same(scene)
    os.link(scene.path, scene.root / "another.jsonl")
    return told


def delete(scene):
    scene.path.unlink()
    return {"it": [scene.data]}


def delete_and_make_again(scene):
    scene.path.unlink()
    new = scene.more(40)
    scene.path.write_bytes(new)
    return {"it": [scene.data, new]}


def delete_and_restore(scene):
    """From a backup that is older than what was taken, and then it goes on as it did."""
    scene.path.unlink()
    scene.path.write_bytes(scene.data[:len(scene.data) // 3])
    append(scene.path, scene.data[len(scene.data) // 3:])
    more = scene.more()
    append(scene.path, more)
    return {"it": [scene.data + more]}


def link_twice(scene):
    """The same bytes under two names are taken once, whichever of them is written to."""
    os.link(scene.path, scene.root / "twin.jsonl")
    more = scene.more()
    append(scene.root / "twin.jsonl", more)
    return {"it": [scene.data + more]}


def link_and_remove_the_first_name(scene):
    os.link(scene.path, scene.root / "twin.jsonl")
    scene.path.unlink()
    more = scene.more()
    append(scene.root / "twin.jsonl", more)
    return {"it": [scene.data + more]}


def link_symbolically(scene):
    """Never followed, wherever it leads."""
    (scene.outside / "secret.jsonl").write_bytes(scene.more())
    (scene.root / "file.jsonl").symlink_to(scene.outside / "secret.jsonl")
    (scene.root / "folder").symlink_to(scene.outside)
    (scene.root / "inside.jsonl").symlink_to("it.jsonl")
    return {}


def replace_by_a_symbolic_link(scene):
    (scene.outside / "it.jsonl").write_bytes(scene.data + scene.more())
    scene.path.unlink()
    scene.path.symlink_to(scene.outside / "it.jsonl")
    return {}


def move_a_folder_in(scene):
    (scene.outside / "in/deeper").mkdir(parents=True)
    one, two = scene.more(30), scene.more(40)
    (scene.outside / "in/a.jsonl").write_bytes(one)
    (scene.outside / "in/deeper/b.jsonl").write_bytes(two)
    (scene.outside / "in").rename(scene.root / "in")
    append(scene.root / "in/deeper/b.jsonl", b'{"more":1}\n')
    return {"in/a": [one], "in/deeper/b": [two + b'{"more":1}\n']}


def move_a_folder_out(scene):
    """What is written to it out there is none of ours."""
    scene.root.rename(scene.outside / "moved")
    append(scene.outside / "moved/it.jsonl", scene.more())
    return {}


def move_a_folder_out_and_in_again(scene):
    (scene.root / "deep").rename(scene.outside / "deep")
    scene.path.rename(scene.outside / "deep/it.jsonl")
    more = scene.more()
    append(scene.outside / "deep/it.jsonl", more)
    (scene.outside / "deep").rename(scene.root / "back")
    return {"it": [scene.data + more]}


def fork(scene):
    """A session that begins with a copy of another one is a session of its own, whole."""
    more = scene.more()
    fork = str(uuid.UUID(bytes=scene.rng.randbytes(16)))
    path = scene.world.home / (CODEX % fork)
    path.write_bytes(scene.rolled + more)
    return {fork: [scene.rolled + more]}


def go_back_in_time(scene):
    more = scene.more()
    append(scene.path, more)
    os.utime(scene.path, (86_400, 86_400))
    return {"it": [scene.data + more]}


def leave_the_calendar(scene):
    """Anybody may set these times, to what 64 bits of nanoseconds do not hold, too."""
    more = scene.more()
    append(scene.path, more)
    answer = {"it": [scene.data + more]}
    for number, seconds in enumerate((1 << 33, 9_223_372_036, 9_223_372_037, 10_413_792_000, -1, -9_223_372_037)):
        path = scene.root / f"age{number}.jsonl"
        lines = scene.more(3)
        path.write_bytes(lines + b'{"half":')
        os.utime(path, (seconds, seconds))
        answer[f"age{number}"] = [lines]
    os.utime(scene.path, (10_413_792_000, 10_413_792_000))
    return answer


def replace_by_more_and_rename(scene):
    """Neither its path nor its inode number is what it was."""
    replace_atomically_by_more_of_the_same(scene)
    more = scene.more(5)
    scene.path.rename(scene.root / "deep/else.jsonl")
    append(scene.root / "deep/else.jsonl", more)
    return {"it": [(scene.root / "deep/else.jsonl").read_bytes()]}


def restore_to_another_root(scene):
    """From a backup, when the file is gone: another inode, another path, perhaps another disk."""
    backup = scene.beside / ".backup.tmp"
    shutil.copyfile(scene.path, backup)
    scene.path.unlink()
    more = scene.more()
    append(backup, more)
    backup.rename(scene.beside / "restored.jsonl")
    return {"it": [scene.data + more]}


def copy_beside(scene):
    """Both exist: the copy is no continuation, though every byte that was taken is in it."""
    more = scene.more()
    (scene.root / ".copy.tmp").write_bytes(scene.data + more)
    (scene.root / ".copy.tmp").rename(scene.root / "copy.jsonl")
    return {"it": [scene.data], "copy": [scene.data + more]}


def copy_beside_and_truncate(scene):
    """The file that was read is still there: it begins anew, and its copy is another."""
    (scene.root / ".copy.tmp").write_bytes(scene.data)
    new = scene.more(15)
    scene.path.write_bytes(new)
    (scene.root / ".copy.tmp").rename(scene.root / "copy.jsonl")
    return {"it": [scene.data, new], "copy": [scene.data]}


EVENTS = [
    append_whole_lines, append_half_a_line, append_in_small_pieces, truncate_to_nothing, truncate_and_write_less,
    truncate_and_regrow_past_the_offset, truncate_in_the_middle, rewrite_with_the_same_size,
    rewrite_with_the_same_size_and_time, copy_and_truncate, rename_in_its_folder, rename_to_another_folder,
    rename_to_another_root, rename_away_and_make_another, replace_atomically, replace_atomically_by_more_of_the_same,
    replace_atomically_and_link, delete, delete_and_make_again, delete_and_restore, link_twice,
    link_and_remove_the_first_name, link_symbolically, replace_by_a_symbolic_link, move_a_folder_in, move_a_folder_out,
    move_a_folder_out_and_in_again, fork, replace_by_more_and_rename, restore_to_another_root, copy_beside,
    copy_beside_and_truncate, go_back_in_time, leave_the_calendar,
]
