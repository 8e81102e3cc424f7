"""A folder of images, as researchers have them, becomes records; what is wrong with it is named."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deeplocalizer.stimuli import intake
from deeplocalizer.stimuli.images import fingerprint
from deeplocalizer.stimuli.record import Draw
from deeplocalizer.stimuli.sources.folder import folder


def picture(path, value, **options):
    """Write an image that differs from every other value's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(value)
    Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path, **options)


def ask(path, count=None, seed=0, **settings):
    shown = [str(one) for one in path] if isinstance(path, list) else str(path)
    return folder(Draw("faces", {"path": shown, **settings}, count, seed, {"localize": 1.0}, Path("unused")))


def ids(drawn):
    return [record.id for record in drawn.records]


@pytest.fixture
def people(tmp_path):
    """Two folders of people, and what file managers leave."""
    root = tmp_path / "faces"
    for number, name in enumerate(["anna/01.jpg", "anna/02.JPEG", "bert/01.png", "bert/deep/1.TIF", "top.webp"]):
        picture(root / name, number)
    for litter in (".DS_Store", "Thumbs.db", "anna/._01.jpg", "__MACOSX/x.jpg", ".cache/x.png"):
        (root / litter).parent.mkdir(exist_ok=True)
        (root / litter).write_bytes(b"litter")
    (root / "notes.txt").write_text("which is which")
    return root


ALL = {"faces/anna/01.jpg", "faces/anna/02.JPEG", "faces/bert/01.png", "faces/bert/deep/1.TIF", "faces/top.webp"}


def test_every_image_below_the_folder_is_drawn_with_its_bytes(people):
    drawn = ask(people)
    assert set(ids(drawn)) == ALL
    for record in drawn.records:
        assert record.encoded == (people / record.id.removeprefix("faces/")).read_bytes()
        assert record.source == f"{people}/{record.id.removeprefix('faces/')}"
        assert (record.label, record.group, record.split) == ("", "", "")
    assert [(one.id, one.reason) for one in drawn.refused] == [("faces/notes.txt", "not an image, by its name")]
    assert drawn.origin == {"path": str(people)}


def test_a_path_may_start_from_home_or_the_working_directory(people, monkeypatch):
    monkeypatch.chdir(people.parent)
    monkeypatch.setenv("HOME", str(people.parent))
    monkeypatch.setenv("USERPROFILE", str(people.parent))
    for path in ("faces", "faces/", "./faces", "~/faces"):
        drawn = ask(path)
        assert set(ids(drawn)) == ALL
        assert drawn.records[0].source.startswith(path)


def test_asking_for_more_keeps_what_was_there(people):
    everything = ids(ask(people))
    for count in range(1, 6):
        assert ids(ask(people, count)) == everything[:count]
    assert ids(ask(people, seed=1)) != everything and set(ids(ask(people, seed=1))) == ALL
    assert len(ids(ask(people, 99))) == 5


def test_new_files_do_not_reorder_the_old(people):
    before = ids(ask(people))
    for number in range(20):
        picture(people / f"new{number}.png", 100 + number)
    assert [one for one in ids(ask(people)) if one in ALL] == before


def test_only_as_many_files_are_read_as_are_wanted(people):
    order = ids(ask(people))
    last = people / order[-1].removeprefix("faces/")
    last.write_bytes(b"no image")
    assert ids(ask(people, 4)) == order[:4]


def test_groups_are_subfolders_or_found_in_names(people):
    groups = {record.id: record.group for record in ask(people, group_by="folder").records}
    assert groups == {
        "faces/anna/01.jpg": "anna",
        "faces/anna/02.JPEG": "anna",
        "faces/bert/01.png": "bert",
        "faces/bert/deep/1.TIF": "bert/deep",
        "faces/top.webp": "",
    }
    numbered = {record.id: record.group for record in ask(people, group_by=r"^(\w)").records}
    assert Counter(numbered.values()) == {"0": 3, "1": 1, "t": 1}


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("([a-z]+", r"group_by '\(\[a-z\]\+' is neither none nor folder nor a regular expression"),
        ("folders", "has no bracket .*did you mean folder"),
        ("^0", r"has no bracket"),
        (r"^(\d+)\.", r"finds no group in the names of 1 of 5 files: top.webp"),
    ],
)
def test_a_grouping_that_does_not_fit_is_explained(people, pattern, message):
    with pytest.raises(ValueError, match=message):
        ask(people, group_by=pattern)


def test_several_folders_have_ids_of_their_own(people, tmp_path):
    picture(tmp_path / "more" / "top.webp", 50)
    drawn = ask([people, tmp_path / "more"], group_by="folder")
    assert set(ids(drawn)) == {one.replace("faces/", "faces/faces/", 1) for one in ALL} | {"faces/more/top.webp"}
    assert {record.group for record in drawn.records} == {
        "faces",
        "faces/anna",
        "faces/bert",
        "faces/bert/deep",
        "more",
    }
    picture(tmp_path / "other" / "faces" / "top.webp", 51)
    same_name = ids(ask([people, tmp_path / "other" / "faces"]))
    assert len(set(same_name)) == 6 and "faces/other/faces/top.webp" in same_name
    with pytest.raises(ValueError, match="given twice"):
        ask([people, people])


def test_unreadable_files_are_named_or_skipped(people):
    (people / "anna" / "empty.png").touch()
    (people / "bad.jpg").write_bytes((people / "anna" / "01.jpg").read_bytes()[:200])
    (people / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    (people / "gone.png").symlink_to(people / "nowhere.png")
    with pytest.raises(ValueError, match="4 files are not readable as an image") as caught:
        ask(people)
    for words in (
        "anna/empty.png: the file is empty",
        "bad.jpg: its 200 bytes",
        "HEIC",
        "gone.png: the file cannot be",
    ):
        assert words in str(caught.value)
    assert "unreadable: skip" in str(caught.value)
    drawn = ask(people, unreadable="skip")
    assert set(ids(drawn)) == ALL
    assert {one.id for one in drawn.refused} == {
        "faces/notes.txt",
        "faces/anna/empty.png",
        "faces/bad.jpg",
        "faces/phone.HEIC",
        "faces/gone.png",
    }


def test_ten_of_many_bad_files_are_named_and_all_are_counted(people):
    for number in range(30):
        (people / f"bad{number:02d}.png").write_bytes(b"bad")
    with pytest.raises(ValueError, match="30 files .* and 20 more") as caught:
        ask(people)
    assert str(caught.value).count("not a readable image") == 10
    assert "\n" not in str(caught.value)


def test_a_skipped_file_is_replaced_by_the_next(people):
    order = ids(ask(people))
    (people / order[0].removeprefix("faces/")).write_bytes(b"bad")
    assert ids(ask(people, 3, unreadable="skip")) == order[1:4]


def test_of_the_same_picture_the_first_is_kept(people):
    for number, options in enumerate([{}, {"compress_level": 1}, {"compress_level": 0}]):
        picture(people / f"copy{number}.png", 7, **options)
    drawn = ask(people)
    assert len(drawn.records) == 6
    assert len({fingerprint(record.encoded, record.id) for record in drawn.records}) == 6
    (kept,) = [one for one in ids(drawn) if "copy" in one]
    reasons = [one.reason for one in drawn.refused if "copy" in one.id]
    assert reasons == [f"the same picture as {kept}"] * 2


def test_links_to_folders_are_followed_and_loops_end(people, tmp_path):
    picture(tmp_path / "elsewhere" / "x.png", 60)
    (people / "linked").symlink_to(tmp_path / "elsewhere")
    (people / "anna" / "loop").symlink_to(people)
    assert set(ids(ask(people))) == ALL | {"faces/linked/x.png"}


def test_names_of_other_systems(people):
    picture(people / "e\u0301.png", 70)  # as macOS writes é
    picture(people / "ж 1 (kopie).png", 71)
    assert {"faces/\u00e9.png", "faces/ж 1 (kopie).png"} <= set(ids(ask(people)))
    broken = os.fsencode(str(people)) + b"/\xff.png"
    try:
        os.link(people / "bert" / "01.png", broken)
    except OSError:
        pytest.skip("this file system takes no such name")
    with pytest.raises(ValueError, match=r"\\xff.png: its name is not UTF-8"):
        ask(people)


def test_a_missing_folder_shows_its_neighbours(people):
    with pytest.raises(ValueError, match=r"category 'faces': folder .*fases' does not exist; .*did you mean faces\?"):
        ask(people.parent / "fases")
    with pytest.raises(ValueError, match=r"has no 'xyz': there are faces$"):
        ask(people.parent / "xyz" / "deep" / "er")
    with pytest.raises(ValueError, match=r"notes.txt' is a file; expected a folder$"):
        ask(people / "notes.txt")
    (people / "faces.csv").touch()
    with pytest.raises(ValueError, match="source: table"):
        ask(people / "faces.csv")


def test_a_folder_without_images_says_what_it_holds(tmp_path):
    with pytest.raises(ValueError, match="holds no image; it is empty"):
        ask(tmp_path)
    (tmp_path / "a.npy").touch()
    with pytest.raises(ValueError, match=r"holds no image; it holds 1 other files \(.npy\); images are .*jpeg"):
        ask(tmp_path)


def test_more_than_memory_holds_is_refused_before_it_is_read(people, monkeypatch):
    monkeypatch.setattr(intake, "LARGEST_DRAW", 700)
    with pytest.raises(ValueError, match="5 image files .* would be read.*count"):
        ask(people)


def test_a_pipe_is_not_waited_for(people):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no pipes")
    os.mkfifo(people / "pipe.png")
    with pytest.raises(ValueError, match="pipe.png: it is no regular file"):
        ask(people)
