"""A tar of members from anywhere, with the bytes of tarfile and digests of what was written."""

import io
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from fmdata.catalog.storage.card import FileFacts
from fmdata.catalog.storage.tars.content import BLOCK, Joined, TarSlice
from fmdata.catalog.storage.tars.writer import HashedFile, TarWriter, tar_header


def by_tarfile(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.mode, info.size = 0o644, len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def test_members_of_every_kind_are_written_as_tarfile_writes_them(tmp_path: Path) -> None:
    """The digest is that of the file."""
    data = bytes(range(256)) * (3 * BLOCK // 256)
    source = tmp_path / "source"
    source.write_bytes(data)
    joined = Joined((b"head", TarSlice(source, 7, 2 * BLOCK), TarSlice(source, 0, 1), b""))
    contents = {
        "bytes": b"some",
        "empty": b"",
        "file": source,
        "slice": TarSlice(source, 100, 512),
        "joined": joined,
    }
    target = tmp_path / "made.tar"
    with target.open("wb") as file:
        hashed = HashedFile(file)
        tar = TarWriter(hashed)
        places = {name: tar.add(name, content) for name, content in contents.items()}
        tar.close()
    expected = {
        "bytes": b"some",
        "empty": b"",
        "file": data,
        "slice": data[100:612],
        "joined": b"head" + data[7 : 7 + 2 * BLOCK] + data[:1],
    }
    made = target.read_bytes()
    assert made == by_tarfile(expected)
    assert hashed.facts == FileFacts(len(made), sha256(made).hexdigest())
    for name, (offset, size) in places.items():
        assert made[offset : offset + size] == expected[name]


def test_members_that_end_within_a_block_or_with_it_follow_one_another(tmp_path: Path) -> None:
    """Seven members of two files in turn, with sizes around a block's."""
    sizes = (BLOCK - 512, BLOCK - 511, BLOCK, 1, 0, 2 * BLOCK + 3, 700)
    data = bytes(range(251)) * (4 * BLOCK // 251)
    for name in ("one", "other"):
        (tmp_path / name).write_bytes(data[::-1] if name == "other" else data)
    contents = {
        f"m{i}": TarSlice(tmp_path / ("one", "other")[i % 2], i, size)
        for i, size in enumerate(sizes)
    }
    file = io.BytesIO()
    tar = TarWriter(HashedFile(file))
    places = {name: tar.add(name, content) for name, content in contents.items()}
    tar.close()
    expected = {
        name: one.tar.read_bytes()[one.offset : one.offset + one.size]
        for name, one in contents.items()
    }
    assert file.getvalue() == by_tarfile(expected)
    for name, (offset, size) in places.items():
        assert file.getvalue()[offset : offset + size] == expected[name]


@pytest.mark.parametrize("name", ["a", "x" * 100, "x" * 101, "k" * 300, "s01-a-b-c0.lbp.npy"])
@pytest.mark.parametrize("size", [0, 1, 511, 512, 123_456_789, 8**11 - 1, 8**11])
def test_a_header_is_that_of_tarfile(name: str, size: int) -> None:
    """Also of names longer than the field, and of sizes of eight gigabytes and more."""
    info = tarfile.TarInfo(name)
    info.mode, info.size = 0o644, size
    assert tar_header(name, size) == info.tobuf(tarfile.GNU_FORMAT)


def test_a_range_beyond_the_end_of_its_file_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"short")
    tar = TarWriter(HashedFile(io.BytesIO()))
    with pytest.raises(EOFError, match="5 bytes too early"):
        tar.add("name", TarSlice(source, 0, 10))
