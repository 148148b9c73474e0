"""Errors have four parts, and can be pickled on their way from a worker process."""

import inspect
import pickle

import pytest

from fmdata.catalog import errors
from fmdata.catalog.errors import FmdataError, ModelError, RecordingError, UsageError

CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, FmdataError) and kind is not RecordingError
]


def test_a_message_has_got_wanted_where_and_to_do() -> None:
    error = UsageError("--k 0", wanted="at least 1", where="--k", todo="give --k 5")
    assert str(error).splitlines() == [
        "--k 0",
        "  wanted: at least 1",
        "  where:  --k",
        "  to do:  give --k 5",
    ]


def test_wrong_usage_has_exit_code_2_and_any_other_error_1() -> None:
    assert (FmdataError.exit_code, UsageError.exit_code, ModelError.exit_code) == (1, 2, 1)
    assert {kind.exit_code for kind in (*CLASSES, RecordingError) if kind is not UsageError} == {1}


def same_after_pickling(error: FmdataError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert vars(again) == vars(error)
    assert again.args == error.args
    assert str(again) == str(error)


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_keeps_its_parts_when_pickled(kind: type[FmdataError]) -> None:
    same_after_pickling(kind("a", wanted="b", where="c", todo="d"))


def test_a_recording_error_keeps_its_parts_when_pickled() -> None:
    error = RecordingError("decode", "truncated", "40 of 75 frames")
    same_after_pickling(error)
    assert (error.stage, error.reason, error.detail) == ("decode", "truncated", "40 of 75 frames")
