"""Nothing that came from elsewhere controls the terminal, or takes memory or time without limit.

Each command runs in a process of its own; a dataset's card agrees with its damaged files.
"""

import io
import os
import pty
import re
import resource
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.printable import PrintableStream
from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.storage.avi import jpeg_spans
from fmdata.catalog.storage.card import Card
from fmdata.catalog.storage.jpeg import decode_jpeg
from fmdata.catalog.storage.npy import npy_array
from fmdata.catalog.storage.place import mark_work
from fmdata.catalog.storage.tars.writer import tar_header
from fmdata.catalog.verify.dataset import verify
from tests.helpers.command import FMDATA, fmdata
from tests.helpers.datasets import change_row, make_up, seal

ESCAPE = "\x1b]0;owned\x07\x1b[31mred\x9b2J\u202e\r"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
MAX_MB, MAX_S = 50, 1.0  # megabytes more than an undamaged dataset takes
STEM = "actions/shard-00000"
TAR, CLIPS, FRAMES = f"{STEM}.tar", f"{STEM}.parquet", f"{STEM}.frames.parquet"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a dataset of one subject; read only."""
    return make_up(tmp_path_factory.mktemp("made") / "dataset", ["s01"], k=0)


@pytest.fixture
def dataset(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "dataset"))


def texts_of(table: pa.Table) -> list[str]:
    return [f.name for f in table.schema if pa.types.is_string(f.type)]


def escaped_dataset(folder: Path) -> Path:
    """Make a dataset with an escape sequence in every text of tables and card, and in its name."""
    path = make_up(folder / f"data{ESCAPE}", ["s01", "s02"], dropped=["s01"], k=1)
    for file in path.rglob("*.parquet"):
        table = pq.read_table(file)
        if file.name.endswith(".frames.parquet"):
            continue
        change_row(file, 0, **{name: f"{name}{ESCAPE}" for name in texts_of(table)})
    seal(path, fmdata=ESCAPE, tools={ESCAPE: ESCAPE})
    card = Card.read(path)
    assert card.compounds
    card.compounds.notes.append(f"note{ESCAPE}")
    card.write(path)
    (path / f"stray{ESCAPE}").write_text("x")
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ["info"], ["info", "--json"], ["report"], ["verify"], ["verify", "--deep"],
        ["synth-compound"], pytest.param(["train", "encoder"], marks=pytest.mark.long),
        ["forget", "--yes", "s02"], ["forget", "--yes", f"x{ESCAPE}"],
        ["build", "--subjects", "raw"], ["evaluate", "run"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_command_prints_a_control_character(tmp_path: Path, arguments: list[str]) -> None:
    path = escaped_dataset(tmp_path)
    (tmp_path / f"raw/s{ESCAPE}/smile{ESCAPE}").mkdir(parents=True)
    (tmp_path / f"raw/s{ESCAPE}/smile{ESCAPE}/1{ESCAPE}.mp4").write_text("no video")
    option = "--out" if arguments[0] == "build" else "--dataset"
    run = subprocess.run(
        [*FMDATA, *arguments, option, str(path)], cwd=tmp_path, capture_output=True, timeout=300
    )
    shown = (run.stdout + run.stderr).decode()
    assert shown
    assert "Traceback" not in shown
    assert CONTROL.findall(shown) == []


def test_a_traceback_or_warning_shows_no_control_character() -> None:
    """As the whole stream is guarded, whatever writes to it."""
    code = (
        "import sys, warnings\n"
        "import fmdata.cli as cli\n"
        f"def app():\n    warnings.warn({ESCAPE!r})\n    print({ESCAPE!r})\n"
        f"    raise RuntimeError({ESCAPE!r})\n"
        "cli.app = app\ncli.main()\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=300)
    shown = (run.stdout + run.stderr).decode()
    assert "RuntimeError" in shown
    assert "UserWarning" in shown
    assert CONTROL.findall(shown) == []


def test_a_printable_stream_keeps_lines_and_tabs() -> None:
    plain = io.StringIO()
    print(f"a\tb\nc{ESCAPE}", file=PrintableStream(plain))  # type: ignore[call-overload]
    assert plain.getvalue().startswith("a\tb\nc\\x1b]0;owned\\x07")
    assert CONTROL.findall(plain.getvalue()) == []


def test_a_question_on_a_terminal_shows_no_control_character(tmp_path: Path) -> None:
    person, terminal = pty.openpty()
    os.write(person, b"n\n")
    run = fmdata("forget", f"ann{ESCAPE}", cwd=tmp_path, stdin=terminal)
    os.close(person)
    os.close(terminal)
    assert run.returncode == 1
    assert "remove ann\\x1b" in run.stderr
    assert CONTROL.findall(run.stderr) == []


def in_place(path: Path, kind: str, data: bytes) -> None:
    """Put other bytes of at most the same length in the place of the first clip's member."""
    row = pq.read_table(path / CLIPS).to_pylist()[0]
    assert len(data) <= row[f"{kind}_size"]
    with (path / TAR).open("r+b") as file:
        file.seek(row[f"{kind}_offset"])
        file.write(data.ljust(row[f"{kind}_size"], b"\0"))


def nested_riff(path: Path) -> None:
    """Put thousands of lists in one another, as many as fit."""
    size = pq.read_table(path / CLIPS)["avi_size"][0].as_py()
    depth = size // 12
    assert depth > 2 * sys.getrecursionlimit()
    lists = (struct.pack("<4sI4s", b"RIFF", 12 * (depth - i) - 8, b"movi") for i in range(depth))
    in_place(path, "avi", b"".join(lists))


def endless_empty_frames(path: Path) -> None:
    size = pq.read_table(path / CLIPS)["avi_size"][0].as_py()
    body = struct.pack("<4sI", b"00dc", 0) * ((size - 24) // 8)
    head = struct.pack("<4sI4s", b"RIFF", 16 + len(body), b"AVI ")
    in_place(path, "avi", head + struct.pack("<4sI4s", b"LIST", len(body) + 4, b"movi") + body)


def deep_json(path: Path) -> None:
    row = pq.read_table(path / CLIPS).to_pylist()[0]
    in_place(path, "json", b"[" * row["json_size"])


def whole_tar_of_json(path: Path) -> None:
    change_row(path / CLIPS, 0, json_size=1 << 40)


def negative_member(path: Path) -> None:
    change_row(path / CLIPS, 0, avi_size=-1)


def nested_npy_header(path: Path) -> None:
    text = b"(" * 5000
    in_place(path, "lbp", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text)


def huge_npy_header(path: Path) -> None:
    text = b"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 64, 64), }"
    text = text.ljust(118) + b"\n"
    in_place(path, "lbp", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text)


def long_tar_name(path: Path) -> None:
    """Write a header of a name of 64 gigabytes."""
    header = bytearray(tar_header("x", 0))
    header[156:157] = b"L"
    header[124:136] = b"\x80" + (1 << 36).to_bytes(11)
    overwrite_header(path, bytes(header))


def nested_pax_headers(path: Path) -> None:
    """Two thousand extended headers, each of which extends the next."""
    row = pq.read_table(path / CLIPS).to_pylist()[0]
    header = bytearray(tar_header("x", 0))
    header[156:157] = b"x"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with (path / TAR).open("r+b") as file:
        file.write(bytes(header) * (row["avi_size"] // 512))


def overwrite_header(path: Path, header: bytes) -> None:
    with (path / TAR).open("r+b") as file:
        file.write(header)


def parquet_footer_of_a_gigabyte(path: Path) -> None:
    with (path / CLIPS).open("r+b") as file:
        file.seek(-8, 2)
        file.write(struct.pack("<I4s", 1 << 30, b"PAR1"))


def truncated_parquet(path: Path) -> None:
    data = (path / FRAMES).read_bytes()
    (path / FRAMES).write_bytes(data[: len(data) // 2])


def table_of_a_billion_equal_rows(path: Path) -> None:
    """Write a file of a megabyte that takes gigabytes when it is read whole."""
    table = pq.read_table(path / FRAMES)
    big = pa.concat_tables([table.slice(0, 1)] * 200_000)
    pq.write_table(big, path / FRAMES, compression="zstd", row_group_size=1 << 30)


def card_of_lists(path: Path) -> None:
    (path / "fmdata.json").write_text("[" * 1_000_000)


DAMAGES = [
    nested_riff, endless_empty_frames, deep_json, whole_tar_of_json, negative_member,
    nested_npy_header, huge_npy_header, long_tar_name, nested_pax_headers,
    parquet_footer_of_a_gigabyte, truncated_parquet, table_of_a_billion_equal_rows,
]  # fmt: skip
MEASURED = """
import sys, time
from pathlib import Path
import av, cv2, numpy, pyarrow.parquet
from fmdata.catalog.verify.dataset import verify

def peak_mb():
    # Of this process alone; that of getrusage begins with the parent's.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

verify(Path(sys.argv[1]), deep=True)  # everything is imported
before = peak_mb()
began = time.monotonic()
found = verify(Path(sys.argv[2]), deep=True)
seconds = time.monotonic() - began
print(len(found), seconds, peak_mb() - before, [f.problem for f in found])
"""


def measured(script: str, *arguments: object) -> tuple[int, float, float, str]:
    """Run a script; return what it found, its seconds of processor time, and the megabytes more."""
    run = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found, seconds, mb, text = run.stdout.split(" ", 3)
    return int(found), float(seconds), float(mb), text


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda f: f.__name__)
def test_verify_reports_what_would_take_all_memory(
    dataset: Path, made: Path, damage: Callable[[Path], None]
) -> None:
    damage(dataset)
    seal(dataset)
    found, seconds, mb, text = measured(MEASURED, made, dataset)
    assert found > 0
    assert mb < MAX_MB, text
    assert seconds < 5 * MAX_S, text  # the machine of a test may be busy


def test_a_card_of_nested_lists_is_refused(dataset: Path) -> None:
    card_of_lists(dataset)
    with pytest.raises(DatasetError, match="the dataset's card cannot be read"):
        Dataset(dataset)


def resized(size: int) -> bytes:
    """Return a JPEG whose header claims another width and height than it has."""
    jpeg = bytearray(cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1].tobytes())
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", size, size)
    return bytes(jpeg)


def real_bomb() -> bytes:
    """Return a JPEG of 20,000 × 20,000 grey pixels: a few megabytes, and 1.2 gigabytes decoded."""
    row = cv2.imencode(".jpg", np.zeros((16, 20_000), np.uint8))[1].tobytes()
    head, scan = row[: row.index(b"\xff\xda")], row[row.index(b"\xff\xda") :]
    at = head.index(b"\xff\xc0") + 5
    head = head[:at] + struct.pack(">H", 20_000) + head[at + 2 :]
    body = scan[10:-2]
    return head + scan[:10] + body * 1250 + b"\xff\xd9"


JPEGS = {
    "claims 65500": resized(65_500),
    "bomb": real_bomb(),
    "another size": resized(128),
    "a PNG": cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes(),
    "no size": b"\xff\xd8\xff\xd9",
    "marker cut off": b"\xff\xd8\xff\xe0\xff",
    "lengths of zero": b"\xff\xd8" + b"\xff\xe0\x00\x00" * 1000,
    "empty": b"",
}


@pytest.mark.parametrize("jpeg", JPEGS.values(), ids=JPEGS)
def test_a_jpeg_of_another_size_is_refused_before_it_is_decoded(jpeg: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"pixels|not a JPEG"):
        decode_jpeg(jpeg, 64)
    assert time.monotonic() - began < MAX_S
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 << 10


@pytest.mark.parametrize("name", ["claims 65500", "bomb"])
def test_a_clip_with_such_a_jpeg_is_an_error_and_a_finding(
    dataset: Path, made: Path, name: str
) -> None:
    """Its place, size and digest are all as the tables and the card say."""
    jpeg = JPEGS[name]
    row = pq.read_table(dataset / FRAMES).slice(3, 1).to_pylist()[0]
    if len(jpeg) <= row["jpeg_size"]:
        jpeg = jpeg[:-2].ljust(row["jpeg_size"] - 2, b"\0") + b"\xff\xd9"
        with (dataset / TAR).open("r+b") as file:
            file.seek(row["jpeg_offset"])
            file.write(jpeg)
    else:
        with (dataset / TAR).open("ab") as file:
            change_row(dataset / FRAMES, 3, jpeg_offset=file.tell(), jpeg_size=len(jpeg))
            file.write(jpeg)
    seal(dataset)
    with pytest.raises(DatasetError, match="pixels"):
        Dataset(dataset).actions[0].frames()
    found, seconds, mb, text = measured(MEASURED, made, dataset)
    assert found > 0
    assert mb < MAX_MB, text
    assert seconds < 5 * MAX_S, text


def test_lists_in_an_avi_are_entered_at_their_own_depth_only() -> None:
    lists = b"00dc" + struct.pack("<I", 0)
    for name in (b"movi", b"movi", b"movi", b"AVI "):
        kind = b"RIFF" if name == b"AVI " else b"LIST"
        lists = struct.pack("<4sI4s", kind, len(lists) + 4, name) + lists
    assert list(jpeg_spans(io.BytesIO(lists), len(lists))) == []


def test_an_array_with_another_header_is_refused() -> None:
    file = io.BytesIO()
    np.save(file, np.zeros((3, 2, 2), np.uint8))
    data = file.getvalue()
    assert npy_array(data, np.dtype(np.uint8), (3, 2, 2)).shape == (3, 2, 2)
    for shape in ((2, 2, 3), (3, 2), (3, 2, 2, 1)):
        with pytest.raises(ValueError, match="not an array"):
            npy_array(data, np.dtype(np.uint8), shape)


@pytest.mark.parametrize(
    ("column", "value"), [("reason", "bad luck"), ("stage", "later"), ("reason", None)]
)
def test_reasons_and_stages_of_the_dropped_list_are_known_ones(
    tmp_path: Path, column: str, value: str | None
) -> None:
    path = make_up(tmp_path / "dataset", ["s01"], dropped=["s02"], k=0)
    change_row(path / "dropped.parquet", 0, **{column: value})
    seal(path)
    assert [f.problem for f in verify(path)] == [
        f"cannot be read: a {column} that does not exist: {value!r}"
    ]
    with pytest.raises(DatasetError, match=f"a {column} that does not exist"):
        Dataset(path).dropped()


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (lambda card: card["actions"]["shards"][0].update(name="../../thesis"), "name '../../th"),
        (lambda card: card["actions"].update(samples="many"), "samples is 'many'"),
        (lambda card: card["actions"]["settings"].update(size=65_500), "crops of 65500 pixels"),
        (lambda card: card["actions"]["shards"][0].update(subjects=[1]), "subjects is"),
        (lambda card: card.update(seed=[]), "seed is"),
    ],
)
def test_a_card_with_values_of_another_kind_is_refused(
    dataset: Path, changed: Callable[[dict], None], problem: str
) -> None:
    """Its digest is right."""
    import dataclasses

    from fmdata.catalog.storage.card import _signed

    document = dataclasses.asdict(Card.read(dataset))
    changed(document)
    (dataset / "fmdata.json").write_bytes(_signed(document))
    with pytest.raises(DatasetError, match=re.escape(problem)):
        Dataset(dataset)


@pytest.mark.long
def test_every_command_works_on_a_dataset_without_clips(tmp_path: Path) -> None:
    """After the last subject is forgotten; none ends in a traceback."""
    path = make_up(tmp_path / "dataset", ["s01"], dropped=["s01"])
    assert forget(path, "s01").left == []
    (tmp_path / "raw").mkdir()
    codes = {
        ("info",): 0,
        ("info", "--json"): 0,
        ("report",): 0,
        ("verify", "--deep"): 0,
        ("synth-compound",): 1,
        ("forget", "--yes", "s01"): 2,
        ("train", "encoder"): 1,
        ("train", "encoder", "--folds"): 1,
        ("evaluate", "run"): 1,
    }
    for arguments, code in codes.items():
        run = fmdata(*arguments, "--dataset", path, cwd=tmp_path)
        assert "Traceback" not in run.stderr, run.stderr
        assert run.returncode == code, (arguments, run.stderr)
    assert fmdata("build", "--out", path, cwd=tmp_path).returncode == 1


def test_a_umask_is_honoured(tmp_path: Path) -> None:
    """With 077 nobody else can read a file, whatever command made it."""
    path = make_up(tmp_path / "dataset", ["s01", "s02"], k=0)
    shutil.rmtree(tmp_path / "moved", ignore_errors=True)
    for arguments in (["synth-compound"], ["forget", "--yes", "s02"]):
        run = fmdata(*arguments, "--dataset", path, cwd=tmp_path, umask=0o077)
        assert run.returncode == 0, run.stderr
    written = [p for p in (path / "compounds").rglob("*") if p.is_file()]
    written += [path / "fmdata.json", path / "dropped.parquet"]
    assert written
    for file in written:
        assert file.stat().st_mode & 0o077 == 0, file
    old = os.umask(0o077)
    try:
        mark_work(tmp_path / "new")
        make_up(tmp_path / "new", ["s01"], k=1)
    finally:
        os.umask(old)
    for file in (tmp_path / "new").rglob("*"):
        assert file.stat().st_mode & 0o077 == 0, file
