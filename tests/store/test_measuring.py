"""The benchmark of the store measures every kind of file; its figures are not judged here."""

from tests.benchmarks import store as benchmark


def test_every_store_is_written_and_read(capsys):
    rows = benchmark.main(["--stimuli", "40", "--units", "300", "--rounds", "1"])
    named = {row["store"]: row for row in rows}
    assert {"np.save", "to_netcdf zlib 1", "stream contiguous", "stream (40, 300)", "stream 10 bits"} <= named.keys()
    read = {"stimuli_warm", "units_warm", "stimuli_cold", "units_cold"}
    assert all(row["write"] > 0 for row in rows)
    assert all(read <= row.keys() for name, row in named.items() if name != "np.save")
    assert named["stream 10 bits"]["file_MB"] < named["stream contiguous"]["file_MB"]
    assert "stream (40, 300)" in capsys.readouterr().out
