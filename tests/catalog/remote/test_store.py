"""Places that cannot be, and secrets of a URL, which no message and no file shows."""

from pathlib import Path

import pytest

from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.remote.copies import copies_of, shown
from fmdata.catalog.remote.push import push
from fmdata.catalog.remote.store import Store
from tests.helpers.command import assert_refused, fmdata
from tests.helpers.far_end import FarEnd


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("s3://bucket/lab/", "s3://bucket/lab"),
        ("ftp://ann:pass@host/lab", "ftp://***@host/lab"),
        ("s3://KEY:sec/ret+x@bucket/lab", "s3://***@bucket/lab"),
        ("https://host/lab?token=abc", "https://host/lab?***"),
        ("https://TOKEN@host/lab", "https://***@host/lab"),
        ("sftp://ann@host/raw", "sftp://***@host/raw"),
        ("abfss://container@account/lab", "abfss://container@account/lab"),
        ("s3://bucket/ann@home/lab", "s3://bucket/ann@home/lab"),
        ("s3://bucket/a@b", "s3://bucket/a@b"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, wanted: str) -> None:
    assert shown(url) == wanted


def test_no_secret_is_printed_or_stored(dataset: Path, far: type[FarEnd]) -> None:
    """The library's own message repeats the address that it was given."""
    url = "far://KEY:sec/ret@bucket/lab?token=abc"
    push(dataset, url)
    assert copies_of(dataset) == ["far://***@bucket/lab?***"]
    far.fails = staticmethod(lambda number: ConnectionError(f"cannot reach {url}"))
    with pytest.raises(DatasetError) as failed:
        push(dataset, url)
    for secret in ("KEY", "sec", "abc"):
        assert secret not in str(failed.value)


@pytest.mark.parametrize(
    "url", ["nowhere://bucket/lab", "simplecache::far://bucket/lab"], ids=["unknown", "chain"]
)
def test_an_impossible_place_is_refused(url: str, dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Store(url)
    assert_refused(fmdata("push", url, dataset, cwd=tmp_path), 2, url)


def test_a_file_in_place_of_a_folder_is_refused(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(UsageError, match="not a dataset of fmdata"):
        push(dataset, str(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_a_copy_inside_the_dataset_is_refused(dataset: Path) -> None:
    for place in (dataset, dataset / "copy"):
        with pytest.raises(UsageError, match="one folder, or one is inside the other"):
            push(dataset, str(place))


def test_a_read_only_folder_is_pushed_with_a_warning(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, *arguments: object, **options: object) -> None:
        raise PermissionError(13, "read-only", str(self))

    monkeypatch.setattr(Path, "open", refused)
    from fmdata.catalog.remote.copies import remember

    assert not remember(dataset, "s3://bucket/lab")


def test_the_hash_of_a_file_needs_memory_for_one_block(far: type[FarEnd]) -> None:
    """A file of three blocks and a bit is read by four requests beside that for its size."""
    far().pipe_file("/bucket/big", bytes((3 << 23) + 5))
    store, far.requests = Store("far://bucket"), 0
    assert [len(block) for block in store.blocks("big")] == [1 << 23] * 3 + [5]
    assert far.requests == 5
