"""Files of the cache."""

import os
import time

from deeplocalizer.hub import files


def test_what_killed_processes_left_does_not_pile_up(tmp_path):
    old, young = tmp_path / ".torn.part", tmp_path / ".new.part"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    files.write(tmp_path / "a", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new.part", "a"]
