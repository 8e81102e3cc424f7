"""What a bar and a log say while a long piece of work goes on."""

import io
import logging
import os
import re
import sys
import termios
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeplocalizer import progress
from deeplocalizer.logging import log_to
from deeplocalizer.progress import Progress, duration


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Plain(io.StringIO):
    """A stream that is no terminal."""


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log():
    """A logger of its own, and the lines it was given."""
    lines = []
    logger = logging.Logger("test of progress", logging.INFO)
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger.addHandler(handler)
    return logger, lines


def work(bar, clock, steps, count, seconds):
    for _ in range(steps):
        clock.now += seconds
        bar.advance(count)


def test_a_line_says_count_share_rate_and_time_left(log, clock):
    logger, lines = log
    with Progress(2200, logger=logger, stream=Plain(), clock=clock) as bar:
        work(bar, clock, steps=11, count=40, seconds=1)
    assert lines[0] == "400 of 2,200 stimuli (18 %), 40 a second, 45 s left"
    assert lines[-1] == "440 of 2,200 stimuli (20 %) in 11 s, 40 a second"


def test_the_log_has_a_line_every_ten_seconds_and_one_at_the_end(log, clock):
    logger, lines = log
    with Progress(1000, "images", logger=logger, stream=Plain(), clock=clock) as bar:
        work(bar, clock, steps=1000, count=1, seconds=0.0501)
    assert [line.split(" of ")[0] for line in lines] == ["200", "400", "600", "800", "1,000"]
    assert lines[-1] == "1,000 of 1,000 images (100 %) in 50 s, 20 a second"


def test_work_taken_up_again_says_so_and_counts_only_what_is_new(log, clock):
    logger, lines = log
    with Progress(2200, start=640, logger=logger, stream=Plain(), clock=clock) as bar:
        work(bar, clock, steps=1, count=100, seconds=10)
        assert bar.rate == pytest.approx(10)
        assert bar.left == pytest.approx(1460 / 10)
    assert lines == [
        "resumed at 640 of 2,200 stimuli",
        "740 of 2,200 stimuli (33 %), 10 a second, 2 min 26 s left",
        "740 of 2,200 stimuli (33 %) in 10 s, 10 a second",
    ]


def test_nothing_left_to_do_is_said_without_a_rate(log, clock):
    logger, lines = log
    with Progress(5, start=5, logger=logger, stream=Plain(), clock=clock) as bar:
        assert bar.rate is None and bar.left is None
    with Progress(0, logger=logger, stream=Plain(), clock=clock):
        pass
    assert lines[1:] == ["5 of 5 stimuli (100 %) in < 1 s", "0 of 0 stimuli (100 %) in < 1 s"]


def test_the_rate_follows_a_change_of_pace(log, clock):
    """After a time T at the new rate b, an exponential mean stands at ``b + (a - b) exp(-T / MEMORY)``."""
    logger, _ = log
    with Progress(10**9, logger=logger, stream=Plain(), clock=clock) as bar:
        work(bar, clock, steps=100_000, count=4, seconds=0.01)
        assert bar.rate == pytest.approx(400)
        work(bar, clock, steps=int(progress.MEMORY / 0.01), count=1, seconds=0.01)
        assert bar.rate == pytest.approx(100 + 300 * 0.36787944, rel=1e-3)


@given(
    steps=st.lists(st.tuples(st.integers(0, 50), st.floats(0.01, 100)), min_size=1, max_size=30),
)
def test_the_rate_lies_between_the_slowest_and_the_fastest_step(steps):
    clock = Clock()
    bar = Progress(10_000, logger=logging.Logger("unheard"), stream=Plain(), clock=clock)
    with bar:
        for count, seconds in steps:
            clock.now += seconds
            bar.advance(count)
        paces = [count / seconds for count, seconds in steps]
        if bar.rate is not None:
            assert min(paces) * (1 - 1e-6) <= bar.rate <= max(paces) * (1 + 1e-6)
        else:
            assert max(paces) == 0


def test_a_failure_says_where_it_stopped_and_goes_on(log, clock):
    logger, lines = log
    with pytest.raises(RuntimeError, match="no memory"):
        with Progress(100, logger=logger, stream=Plain(), clock=clock) as bar:
            work(bar, clock, steps=1, count=32, seconds=4)
            raise RuntimeError("no memory")
    assert lines == ["stopped at 32 of 100 stimuli (32 %) in 4 s, 8 a second"]


def test_hundred_per_cent_means_all(log, clock):
    logger, _ = log
    with Progress(100_000, logger=logger, stream=Plain(), clock=clock) as bar:
        bar.advance(99_999)
        assert "(99 %)" in bar.line()


@pytest.mark.parametrize(("done", "count"), [(0, 11), (8, 3), (5, -1)])
def test_a_count_that_cannot_be_is_refused(log, done, count):
    with Progress(10, logger=log[0], stream=Plain()) as bar:
        bar.advance(done)
        with pytest.raises(ValueError, match=f"{count} stimuli cannot follow on {done} of 10"):
            bar.advance(count)
        assert bar.done == done


@pytest.mark.parametrize("start", [-1, 11])
def test_a_start_outside_is_refused(start):
    with pytest.raises(ValueError, match=f"start at {start} of 10 stimuli; expected 0 to 10"):
        Progress(10, start=start)


def test_a_stream_that_is_no_terminal_stays_empty(log, clock):
    stream = Plain()
    with Progress(100, logger=log[0], stream=stream, clock=clock) as bar:
        work(bar, clock, steps=10, count=10, seconds=5)
    assert stream.getvalue() == ""


class Terminal:
    """A pseudo-terminal of 80 columns, read until its writer is closed."""

    def __enter__(self):
        self.reader, writer = os.openpty()
        termios.tcsetwinsize(writer, (24, 80))
        self.stream = os.fdopen(writer, "w")
        self.pieces = []
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        return self

    def _read(self):
        while True:
            try:
                piece = os.read(self.reader, 4096)
            except OSError:  # Linux's way to say that the writer is closed
                return
            if not piece:
                return
            self.pieces.append(piece)

    def __exit__(self, *_):
        self.stream.close()
        self.thread.join(timeout=10)
        os.close(self.reader)
        self.text = b"".join(self.pieces).decode()


def test_a_terminal_shows_one_bar(log):
    with Terminal() as terminal:
        with Progress(200, start=50, logger=log[0], stream=terminal.stream) as bar:
            for _ in range(15):
                bar.advance(10)
    assert "50/200" in terminal.text and "200/200" in terminal.text and "100%" in terminal.text
    assert "stimuli/s" in terminal.text
    assert terminal.text.strip().count("\n") == 0  # one bar, drawn over itself


def test_the_bar_finds_the_terminal_while_a_job_writes_its_log(tmp_path, monkeypatch):
    """A job sends its standard error to a log; the bar must go past it, and the log must stay plain."""
    path = tmp_path / "record.log"
    with Terminal() as terminal:
        monkeypatch.setattr(sys, "__stderr__", terminal.stream)
        clock = Clock()
        with log_to(str(path)):
            with Progress(64, clock=clock) as bar:
                work(bar, clock, steps=4, count=16, seconds=6)
        monkeypatch.undo()
    assert "64/64" in terminal.text
    written = path.read_text()
    assert "32 of 64 stimuli (50 %), 2.7 a second, 12 s left" in written
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", written)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.3, "< 1 s"), (1, "1 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (3600, "1 h 0 min"),
     (7500, "2 h 5 min"), (360_000, "100 h 0 min")],
)  # fmt: skip
def test_seconds_in_words(seconds, words):
    assert duration(seconds) == words
