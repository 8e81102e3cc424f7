import shutil

import pytest

from deeplocalizer.downloads import disk
from deeplocalizer.downloads.errors import DownloadError


def test_what_fits_is_let_through(tmp_path):
    disk.require(tmp_path, 1, "a byte")
    disk.require(tmp_path / "not" / "there" / "yet", 0, "nothing")


@pytest.mark.parametrize("surplus", [0, 10**18])
def test_what_does_not_fit_is_refused_before_it_is_begun(tmp_path, surplus):
    free = shutil.disk_usage(tmp_path).free
    folder = tmp_path / "not" / "there" / "yet"
    with pytest.raises(DownloadError) as caught:
        disk.require(folder, free + surplus, "2,000 images of COCO")
    message = str(caught.value)
    assert message.startswith("2,000 images of COCO: ")
    assert str(folder) in message and "are free there" in message
    assert not folder.exists()


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (241_187_311, "241.2 MB"),
        (1.4e9, "1.4 GB"),
        (2e20, "200.0 EB"),
    ],
)
def test_sizes_read_well(size, text):
    assert disk.readable(size) == text
