"""Nothing leaves the machine, no name is in a file, and only the owner may write.

Network traffic is observed in the system calls of whole commands, with all their processes and
libraries: strace (Linux) lists each address that is connected or sent to.
"""

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.verify.dataset import verify
from tests.helpers.command import FMDATA, TIMEOUT_S, fmdata

pytestmark = pytest.mark.slow

CALLS = "trace=connect,sendto,sendmsg,sendmmsg"
ADDRESS = re.compile(r'(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"')

TRAIN = """
import sys
from pathlib import Path
from fmdata.train.recipes.encoder import EncoderSettings
from fmdata.train.recipes.landmarks import ExtractorSettings
from fmdata.train.run import train
tiny = ExtractorSettings(frames=2, epochs=1, steps=2, batch=8)
settings = EncoderSettings(landmarks=tiny, epochs=1, steps=2)
train("encoder", Path(sys.argv[1]), Path("run"), settings)
"""


def addresses(command: list[object], cwd: Path) -> set[str]:
    """Run a command; return every address that its processes connect or send to."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace, which observes system calls, is not on this machine")
    log = cwd / "calls.txt"
    watch = [strace, "-f", "--seccomp-bpf", "-qq", "-e", CALLS, "-o", log]
    run = subprocess.run(
        [*watch, *command], cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    if "ptrace" in run.stderr and "not permitted" in run.stderr:
        pytest.skip("strace has no permission to trace processes here")
    assert run.returncode == 0, run.stderr
    return set(ADDRESS.findall(log.read_text()))


def remote(found: set[str]) -> set[str]:
    """Return the addresses that are not of this machine."""
    return {a for a in found if not (a.startswith(("127.", "::ffff:127.")) or a == "::1")}


def test_strace_reports_a_connection_of_a_child_process(tmp_path: Path) -> None:
    """A UDP socket is connected to an address for documentation, which sends no packet."""
    child = "import socket as s; s.socket(s.AF_INET, s.SOCK_DGRAM).connect(('192.0.2.1', 9))"
    parent = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    )
    assert remote(addresses([sys.executable, "-c", parent], tmp_path)) == {"192.0.2.1"}


def test_a_build_with_two_workers_uses_no_network(raw_path: Path, tmp_path: Path) -> None:
    for take in ("01", "02"):
        target = tmp_path / f"raw/s01/smile/{take}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(raw_path / f"s01/smile/{take}.mp4", target)
    found = addresses([*FMDATA, "build", "--subjects", "raw", "--workers", "2"], tmp_path)
    assert found == set()


@pytest.mark.parametrize(
    "command",
    [
        [*FMDATA, "synth-compound", "--k", "1", "--dataset"],
        [*FMDATA, "verify", "--deep", "--dataset"],
        [*FMDATA, "info", "--dataset"],
        [*FMDATA, "report", "--dataset"],
        [*FMDATA, "show", "s01-smile-01", "--save", "strip.png", "--dataset"],
        [sys.executable, "-c", TRAIN],
    ],
    ids=["synth-compound", "verify", "info", "report", "show", "train"],
)
def test_other_commands_use_no_network(
    dataset_path: Path, tmp_path: Path, command: list[str]
) -> None:
    shutil.copytree(dataset_path, tmp_path / "dataset")
    assert remote(addresses([*command, "dataset"], tmp_path)) == set()


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key"
    path.write_text("0123456789abcdef" * 4 + "\n")
    return path


@pytest.fixture(scope="module")
def under_pseudonyms(
    raw_path: Path, key_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """Return a dataset of "Ann Lee", built with an umask of 0, and the printed result.

    There are two good takes, one of them named after her, a text file with the suffix of a video,
    and a folder of images with a gap, whose names would be in the reason. The names of files spell
    hers in several ways.
    """
    folder = tmp_path_factory.mktemp("pseudonyms")
    ann = folder / "raw/Ann Lee"
    (ann / "smile/pics").mkdir(parents=True)
    shutil.copy(raw_path / "s01/smile/01.mp4", ann / "smile/01.mp4")
    shutil.copy(raw_path / "s01/smile/02.mp4", ann / "smile/ann_lee2.mp4")
    (ann / "smile/broken.mp4").write_text("not a video")
    for number in (1, 2, 4):
        (ann / f"smile/pics/AnnLee_{number:04d}.png").write_bytes(b"not an image")
    built = fmdata("build", "--pseudonyms", key_file, "--workers", 1, cwd=folder, umask=0)
    assert built.returncode == 0, built.stderr
    for command in ("synth-compound", "report"):
        made = fmdata(command, cwd=folder, umask=0)
        assert made.returncode == 0, made.stderr
    return folder / "dataset", built.stdout


def test_no_name_is_in_any_file(under_pseudonyms: tuple[Path, str], key_file: Path) -> None:
    dataset, _ = under_pseudonyms
    assert verify(dataset, deep=True) == []
    secret = re.compile(rb"ann|lee|0123456789abcdef", re.IGNORECASE)
    whole = re.compile(rb"ann[ _-]?lee", re.IGNORECASE)
    rows = Dataset(dataset).actions.table().to_pylist()
    rows += Dataset(dataset).compounds.table().to_pylist() + Dataset(dataset).dropped().to_pylist()
    assert len(rows) == 2 + 5 + 2
    for row in rows:
        assert not secret.search(repr(row).encode()), row
        assert re.fullmatch("p[0-9a-f]{16}", row["subject"])
    assert not secret.search((dataset / "fmdata.json").read_bytes())
    assert "subjects" in (dataset / "report.html").read_text()  # searched below, as every file
    for file in dataset.rglob("*"):
        assert not whole.search(file.name.encode())
        assert not file.is_file() or not whole.search(file.read_bytes())
    # Names of actions, and takes without her name, are kept.
    assert {row["action"] for row in rows if "action" in row} == {"smile"}
    assert sorted(row["take"][0] for row in rows if "take" in row) == ["0", "b", "p", "t"]


def test_the_terminal_shows_the_path_of_a_dropped_recording(
    under_pseudonyms: tuple[Path, str],
) -> None:
    assert "dropped Ann Lee/smile/broken.mp4 (decode, unreadable)" in under_pseudonyms[1]


def test_only_the_owner_may_write(under_pseudonyms: tuple[Path, str]) -> None:
    dataset, _ = under_pseudonyms
    made = [dataset, *dataset.rglob("*")]
    assert len(made) > 6
    open_to_others = [p for p in made if p.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)]
    assert open_to_others == []


def test_a_build_is_resumed_with_the_same_key_only(
    under_pseudonyms: tuple[Path, str], key_file: Path, tmp_path: Path
) -> None:
    dataset, _ = under_pseudonyms

    def build(*options: object) -> subprocess.CompletedProcess[str]:
        return fmdata("build", "--workers", 1, *options, cwd=dataset.parent)

    other = tmp_path / "key"
    other.write_text("another key, long enough")
    assert "4 of them done before" in build("--pseudonyms", key_file).stdout
    assert "none of them from these recordings" in build("--pseudonyms", other).stderr
    assert "made with pseudonyms = True" in build().stderr
    for key, word in ((b"", "a key of 0 bytes"), (b"short\n", "a key of 5 bytes")):
        other.write_bytes(key)
        refused = build("--pseudonyms", other)
        assert (refused.returncode, word in refused.stderr) == (2, True)
        assert "openssl rand -hex 32" in refused.stderr
    assert "cannot be read" in build("--pseudonyms", tmp_path / "none").stderr
    inside = dataset / "key"
    shutil.copy(key_file, inside)
    assert "in the dataset's own folder" in build("--pseudonyms", inside).stderr
    inside.unlink()


def test_forget_takes_a_name_and_the_key(
    under_pseudonyms: tuple[Path, str], key_file: Path, tmp_path: Path
) -> None:
    path = shutil.copytree(under_pseudonyms[0], tmp_path / "dataset")
    without_key = fmdata("forget", "Ann Lee", "--yes", cwd=tmp_path)
    assert (without_key.returncode, "no subject 'Ann Lee'" in without_key.stderr) == (2, True)
    done = fmdata("forget", "Ann Lee", "--yes", "--pseudonyms", key_file, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 clips, 5 compounds, 2 dropped recordings" in done.stdout
    message = " ".join(done.stdout.split())  # without line breaks
    assert "files outside the dataset are unchanged: delete models, features and figures" in message
    assert verify(Path(path)) == []


def test_forget_without_a_terminal_needs_yes(tmp_path: Path) -> None:
    run = fmdata("forget", "s01", cwd=tmp_path, stdin=subprocess.DEVNULL)
    assert (run.returncode, "nobody to ask" in run.stderr) == (2, True)


def test_a_build_honours_a_umask_that_keeps_others_from_reading(
    raw_path: Path, tmp_path: Path
) -> None:
    """In the files of its worker processes too: the shards are made from them."""
    target = tmp_path / "raw/s01/smile/01.mp4"
    target.parent.mkdir(parents=True)
    shutil.copy(raw_path / "s01/smile/01.mp4", target)
    built = fmdata("build", "--workers", 2, cwd=tmp_path, umask=0o077)
    assert built.returncode == 0, built.stderr
    made = [tmp_path / "dataset", *(tmp_path / "dataset").rglob("*")]
    assert len(made) > 5
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
