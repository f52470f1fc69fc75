"""Checkpoints that somebody has written into: one clear error, little memory."""

import hashlib
import json
import sqlite3
import struct
import tracemalloc
from contextlib import closing

import pytest
import safetensors.torch

from sklloss.search.checkpoints import kept
from sklloss.training import FitCheckpoint
from sklloss.training.checkpoints import fit_file
from sklloss.training.checkpoints.packing import DamagedStateError, pack, unpack

from .searches import interruption, regressor, rows_of, search_in

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def packed_text(text):
    """Return bytes as `pack` makes them, of any JSON."""
    return struct.pack("<Q", len(text)) + text + safetensors.torch.save({})


def listed(dtype):
    held = {"array": ["x"], "dtype": dtype, "shape": [1], "scalar": False}
    return packed_text(json.dumps(held).encode())


BODIES = {
    "nested": packed_text(b"[" * 10**5),
    "bytes": packed_text(b'{"bytes": 3}'),
    "none": pack(None),
    "list": pack([1]),
    "dict": pack({"a": 1}),
    "text": "text",
    "long texts": listed("<U400000000"),
    "long bytes": listed("S2000000000"),
    "records": listed("i4,O"),
}
PLACES = ("results.body", "candidates.body", "searches.facts", "searches.parameters")


@pytest.fixture
def interrupted(diabetes, tmp_path, monkeypatch):
    """Return the path of a checkpoint with an interrupted search."""
    with interruption(1, -1, monkeypatch):
        search_in(tmp_path / "s.db").fit(*diabetes)
    return tmp_path / "s.db"


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("place", PLACES)
def test_a_wrong_body_is_an_error_about_the_file(place, body, diabetes, interrupted):
    table, column = place.split(".")
    with closing(sqlite3.connect(interrupted)) as connection:
        connection.execute(f"UPDATE {table} SET {column} = ?", (BODIES[body],))
        connection.commit()
    search = search_in(interrupted)
    calls = [lambda: search.from_checkpoint(interrupted)]
    # What is not needed to go on is not read.
    calls += [lambda: search.fit(*diabetes)] if table == "results" else []
    for call in calls:
        tracemalloc.start()
        try:
            with pytest.raises(ValueError, match=r"s\.db is not a checkpoint of .* is damaged"):
                call()
            assert tracemalloc.get_traced_memory()[1] < 200 * 2**20
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("place", ["'begun'", "'run'", "'parts'", "the schema"])
def test_text_that_is_no_utf_8_is_an_error_about_the_file(place, diabetes, interrupted):
    with closing(sqlite3.connect(interrupted)) as connection:
        if place == "the schema":
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute(
                "UPDATE sqlite_master SET sql = CAST(replace(sql, 'NOT NULL', x'4eff') AS TEXT)"
            )
        else:
            connection.execute(f"UPDATE searches SET {place[1:-1]} = CAST(x'61ff62' AS TEXT)")
        connection.commit()
    search = search_in(interrupted)
    calls = [lambda: search.from_checkpoint(interrupted)]
    calls += [lambda: search.drop_checkpoint(interrupted, "0" * 12)]
    # Where nothing else differs, fit reads the key, the seed and when the search has begun.
    calls += [lambda: search.fit(*diabetes)] if place in ("'begun'", "the schema") else []
    for call in calls:
        with pytest.raises(ValueError, match=r"s\.db is not a checkpoint of .* is damaged"):
            call()


@pytest.mark.parametrize("body", sorted(BODIES.keys() - {"none"}))
def test_a_wrong_state_of_a_refit_is_an_error_about_the_file(body, diabetes, tmp_path, monkeypatch):
    path = tmp_path / "s.db"
    with monkeypatch.context() as patch:
        patch.setattr(kept, "seconds_between_states", 0.0)

        def interrupting(self, number, state):
            raise KeyboardInterrupt

        patch.setattr(kept.KeptSearch, "finish", lambda *_: interrupting(*_, None))
        with pytest.raises(KeyboardInterrupt):
            search_in(path).fit(*diabetes)
    with closing(sqlite3.connect(path)) as connection:
        changed = "UPDATE states SET body = ? WHERE candidate = -1"
        assert connection.execute(changed, (BODIES[body],)).rowcount
        connection.commit()
    with pytest.raises(ValueError, match=r"s\.db is not a checkpoint of searches, or is damaged"):
        search_in(path).fit(*diabetes)


def test_a_search_without_candidates_is_an_error_about_the_file(interrupted):
    with closing(sqlite3.connect(interrupted)) as connection:
        connection.execute("DELETE FROM candidates")
        connection.commit()
    with pytest.raises(ValueError, match="is not a checkpoint of searches, or is damaged"):
        search_in(interrupted).from_checkpoint(interrupted)


@pytest.mark.parametrize("name", ["n_splits", "n_seeds"])
@pytest.mark.parametrize("number", [2**40, 0, -1, None, "x", [1.0, 2.0]])
def test_wrong_numbers_of_fits_are_an_error_about_the_file(name, number, interrupted):
    with closing(sqlite3.connect(interrupted)) as connection:
        (facts,) = connection.execute("SELECT facts FROM searches").fetchone()
        changed = pack({**unpack(facts), name: number})
        connection.execute("UPDATE searches SET facts = ?", (changed,))
        connection.commit()
    with pytest.raises(ValueError, match="is damaged .*numbers of splits and seeds that are none"):
        search_in(interrupted).from_checkpoint(interrupted)


@pytest.mark.parametrize("value", [None, [1], {"parts": {}}, {"parts": 3, "is_over": False}])
def test_a_file_of_a_fit_with_other_content(value, diabetes, tmp_path):
    path = tmp_path / "fit"
    fit_file.write(path, tmp_path / "new", value)
    with pytest.raises(ValueError, match=r"fit holds no state of a fit .* Remove it to start"):
        regressor(callbacks=[FitCheckpoint(path)]).fit(*diabetes)
    data = packed_text(b"[" * 10**5)
    digest = hashlib.blake2b(data, digest_size=16).digest()
    path.write_bytes(fit_file.MAGIC + fit_file.HEADER.pack(fit_file.VERSION, digest) + data)
    with pytest.raises(ValueError, match=r"fit holds no state of a fit .* Remove it to start"):
        regressor(callbacks=[FitCheckpoint(path)]).fit(*diabetes)


def test_arrays_of_texts_that_are_far_too_long():
    assert unpack(listed("<U3")).tolist() == ["x"]
    with pytest.raises(DamagedStateError, match="1 texts has the type '<U400000000'"):
        unpack(listed("<U400000000"))


def test_the_database_has_what_was_written_ahead(diabetes, tmp_path):
    """So the files beside it stay small, and a full disk seldom leaves them behind."""
    path, n_results = tmp_path / "s.db", []

    def scoring(estimator, X, y):
        # Which leaves out what was written ahead.
        uri = f"{path.as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            n_results.extend(connection.execute("SELECT count(*) FROM results").fetchone())
        return 0.0

    search_in(path, scoring=scoring, stack_size=1).fit(*diabetes)
    assert rows_of(path, "SELECT count(*) FROM results") == [(8,)]
    assert n_results[-1] >= 6
    assert [each.name for each in tmp_path.iterdir()] == ["s.db"]


@pytest.mark.parametrize(
    "query",
    [
        "CREATE TRIGGER own BEFORE INSERT ON results BEGIN DELETE FROM states; END",
        "CREATE VIEW own AS SELECT * FROM results",
    ],
)
def test_a_database_that_runs_something_is_refused(query, diabetes, interrupted):
    with closing(sqlite3.connect(interrupted)) as connection:
        connection.execute(query)
        connection.commit()
    search = search_in(interrupted)
    for call in (lambda: search.from_checkpoint(interrupted), lambda: search.fit(*diabetes)):
        with pytest.raises(ValueError, match="is damaged .it has triggers or views"):
            call()
