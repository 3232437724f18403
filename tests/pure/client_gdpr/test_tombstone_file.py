import errno
import json
import multiprocessing
import os
import stat

import pytest
from client_gdpr.tools import tombstone_file as files
from client_gdpr.tools.errors import TombstoneFileDamaged, TombstoneUnwritten


def intent(reference, **more):
    return {"kind": "intent", "ref": reference, **more}


def done(reference):
    return {"kind": "done", "ref": reference}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / f"host{files.SUFFIX}"


@pytest.fixture
def file(path):
    return files.TombstoneFile(path)


class FullDisk:
    """Takes ``room`` bytes and no more, as a full disk does: what fits is written."""

    def __init__(self, monkeypatch, room):
        self.room, self.write = room, os.write
        monkeypatch.setattr(files.os, "write", self)

    def __call__(self, descriptor, body):
        taken = body[: self.room]
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(taken)
        return self.write(descriptor, taken)


def test_lines_come_back_and_only_the_owner_may_read_them(file, path):
    file.append([intent("a", email=["00"]), intent("b")])
    file.append([done("a")])
    content = files.read_file(path)
    assert [record.reference for record in content.done()] == ["a"]
    assert [record.reference for record in content.open()] == ["b"]
    assert content.records["a"].intent["email"] == ["00"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_done_stands_whatever_comes_after(file, path):
    file.append([intent("a"), done("a"), {"kind": "void", "ref": "a"}])
    assert files.read_file(path).records["a"].outcome == "done"


@pytest.mark.parametrize("change", ["drop", "swap", "edit", "insert"])
def test_changed_file_is_noticed(file, path, change):
    file.append([intent("a"), done("a"), intent("b"), done("b")])
    lines = path.read_bytes().splitlines()
    match change:
        case "drop":
            del lines[1]
        case "swap":
            lines[1], lines[2] = lines[2], lines[1]
        case "edit":
            lines[0] = lines[0].replace(b'"ref":"a"', b'"ref":"x"')
        case "insert":
            lines.insert(1, lines[1])
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(TombstoneFileDamaged):
        files.read_file(path)


def test_full_disk_at_every_byte_loses_no_line_and_the_next_goes_on(file, path, monkeypatch):
    first = len(files.encode({**intent("a"), "v": 1, "prev": files.START})) + 1
    for room in range(first * 2):
        path.unlink(missing_ok=True)
        file.append([intent("z"), done("z")])
        with monkeypatch.context() as patched:
            FullDisk(patched, room)
            with pytest.raises(TombstoneUnwritten) as refusal:
                file.append([intent("a"), intent("b"), intent("c")])
            assert refusal.value.code == errno.ENOSPC
            # the disk is still full
            with pytest.raises(TombstoneUnwritten):
                file.append([intent("d")])
        before = files.read_file(path)
        file.append([intent("e"), done("e")])
        file.append([intent("f")])
        content = files.read_file(path)
        assert [record.reference for record in content.done()] == ["z", "e"], room
        assert {*before.records, "e", "f"} == set(content.records)
        assert not content.torn_end


def test_two_torn_lines_in_a_row_are_accounted_for(file, path, monkeypatch):
    file.append([intent("z")])
    for room in (7, 9):
        with monkeypatch.context() as patched:
            FullDisk(patched, room)
            with pytest.raises(TombstoneUnwritten):
                file.append([intent("a")])
    assert files.read_file(path).torn_end
    file.append([done("z")])
    content = files.read_file(path)
    assert (content.torn, content.torn_end, content.records["z"].outcome) == (2, [], "done")


def test_changed_torn_line_is_noticed_too(file, path, monkeypatch):
    file.append([intent("z")])
    with monkeypatch.context() as patched:
        FullDisk(patched, 30)
        with pytest.raises(TombstoneUnwritten):
            file.append([intent("a")])
    file.append([done("z")])
    path.write_bytes(path.read_bytes().replace(b'\n{"kind":"inten', b'\n{"kind":"INTEN', 1))
    with pytest.raises(TombstoneFileDamaged):
        files.read_file(path)


def test_long_lines_are_found_again_from_the_end(file, path):
    file.append([intent("a", email=["0" * 64] * 3000)])
    file.append([intent("b", email=["0" * 64] * 3000), done("a")])
    assert files.read_file(path).records["a"].outcome == "done"


def test_another_host_settles_what_one_left_open(tmp_path):
    files.TombstoneFile(tmp_path / f"two{files.SUFFIX}").append([intent("a", request="7")])
    files.TombstoneFile(tmp_path / f"one{files.SUFFIX}").append([done("a")])
    content = files.read_folder(tmp_path)
    assert content.records["a"].outcome == "done"
    assert content.records["a"].intent["request"] == "7"


def _write_some(path, name):
    for number in range(50):
        files.TombstoneFile(path).append([intent(f"{name}{number}"), done(f"{name}{number}")])


def test_processes_of_one_host_wait_for_each_other(path):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_write_some, args=(path, name)) for name in "abcd"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(files.read_file(path).done()) == 200


def test_a_link_in_the_files_place_is_not_followed(file, path, tmp_path):
    path.parent.mkdir()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TombstoneUnwritten):
        file.append([intent("a")])
    assert not (tmp_path / "elsewhere").exists()


def test_line_is_plain_json(file, path):
    file.append([intent("a")])
    assert json.loads(path.read_text()) == {"kind": "intent", "ref": "a", "v": 1, "prev": files.START}
