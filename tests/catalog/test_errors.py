"""Errors say four things, and survive the way back from a worker process."""

import pickle

from fmdata.catalog.errors import FmdataError, ModelError, RecordingError, UsageError


def test_a_message_says_got_wanted_where_and_what_to_do() -> None:
    fault = UsageError("--k 0", wanted="at least 1", where="--k", todo="give --k 5")
    assert str(fault).splitlines() == [
        "--k 0",
        "  wanted: at least 1",
        "  where:  --k",
        "  to do:  give --k 5",
    ]


def test_exit_codes() -> None:
    assert (FmdataError.exit_code, UsageError.exit_code, ModelError.exit_code) == (1, 2, 1)


def test_errors_can_be_pickled() -> None:
    model = ModelError("a", wanted="b", where="c", todo="d")
    again = pickle.loads(pickle.dumps(model))
    assert type(again) is ModelError
    assert str(again) == str(model)
    left_out = RecordingError("decode", "truncated", "40 of 75 frames")
    assert str(pickle.loads(pickle.dumps(left_out))) == str(left_out)
