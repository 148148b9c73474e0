"""README.md: a page for people, and at its head the YAML that the Hugging Face Hub reads.

A configuration is one half of the dataset as tars, with a split for each fold; `datasets` reads all
configurations of a folder in one way, so tables are named in words.
"""

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import yaml

from fmdata.catalog.cards.facts import Facts, Half, Spread
from fmdata.catalog.cards.statements import CardSettings
from fmdata.catalog.cards.words import (
    LIMITS,
    NO_CONSENT,
    NO_LICENSE,
    NO_SOURCE,
    USES,
    collected,
    marked,
    personal,
)
from fmdata.catalog.storage.card import COMPOUNDS

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"),
          (10**7, "1M<n<10M"), (10**8, "10M<n<100M"))  # fmt: skip
# Sound as bytes: `datasets` cannot store it without torchcodec, not even undecoded.
_MEMBERS = {"avi": "video", "wav": "binary"}
# Types of columns by their names in `datasets`.
_TYPES = {pa.string(): "string", pa.bool_(): "bool", pa.float64(): "float64"}


def readme(facts: Facts) -> str:
    """Return the page, with its YAML."""
    head = yaml.safe_dump(_head(facts), sort_keys=False, allow_unicode=True, width=10**6)
    body = "\n".join(_body(facts))
    return f"---\n# {marked(facts)}\n{head}---\n\n{body}\n"


def _head(facts: Facts) -> dict[str, Any]:
    """Return the metadata, by the Hub's keys."""
    stored = list(facts.stored)
    return {
        "pretty_name": facts.title,
        **_license(facts.stated),
        "task_categories": ["video-classification"],
        "tags": ["face", "facial-expression", "facial-motion", "video", "fmdata"],
        "size_categories": [_size(facts.n_clips)],
        "extra_gated_prompt": _gate(facts),
        "extra_gated_fields": {
            "Name": "text",
            "Affiliation": "text",
            "I will not try to find out who the people in it are": "checkbox",
        },
        "configs": [_config(half) for half in stored],
        "dataset_info": [_info(half, facts.card.size) for half in stored],
    }


def _license(stated: CardSettings) -> dict[str, str]:
    """Return the keys of the license; a license that the Hub has no name for is `other`."""
    if not stated.license:
        return {}
    if stated.known_license:
        return {"license": stated.known_license}
    slug = re.sub(r"[^a-z0-9.]+", "-", stated.license.lower()).strip("-") or "unnamed"
    named = {"license": "other", "license_name": slug}
    return named | ({"license_link": stated.license_link} if stated.license_link else {})


def _size(n_clips: int) -> str:
    return next((name for limit, name in _SIZES if n_clips < limit), "100M<n<1B")


def _gate(facts: Facts) -> str:
    """Return the text to which a reader agrees before the Hub opens the dataset."""
    words = [
        "This dataset shows faces. Use it only as its license and the consent of the people in it "
        "allow, do not try to identify them, and delete your copy of a person who withdraws."
    ]
    words += [f"Consent, as its owner states it: {facts.stated.consent}"] * bool(
        facts.stated.consent
    )
    return " ".join(words)


def _config(half: Half) -> dict[str, Any]:
    """Return a configuration, whose splits are the folds."""
    splits = [
        {"split": f"fold_{fold}", "path": [f"{half.name}/{name}.tar" for name in names]}
        for fold, names in half.folds.items()
    ]
    return {"config_name": half.name, "data_files": splits}


def _info(half: Half, size: int) -> dict[str, Any]:
    """Return the features of a configuration, as `datasets` writes them."""
    features: list[dict[str, Any]] = []
    for member in half.members:
        if member == "json":
            facts = [{"name": f.name, "dtype": type_of(f.type)} for f in half.facts]
            features.append({"name": member, "struct": facts})
        elif member == "lbp.npy":
            array = {"shape": [None, size, size], "dtype": "uint8"}
            features.append({"name": member, "dtype": {"array3_d": array}})
        else:
            features.append({"name": member, "dtype": _MEMBERS[member]})
    features += [{"name": name, "dtype": "string"} for name in ("__key__", "__url__")]
    return {"config_name": half.name, "features": features}


def type_of(kind: pa.DataType) -> str:
    """Return the name of a column's type."""
    return _TYPES.get(kind, str(kind))


def _body(facts: Facts) -> Iterator[str]:
    summary, stated = facts.summary, facts.stated
    yield f"# {_plain(facts.title)}"
    yield ""
    yield collected(facts)
    yield ""
    rows = [f"recordings: {summary.recordings}, of which {summary.dropped} were dropped"]
    rows += [f"subjects: {summary.subjects}; actions: {summary.actions}"]
    rows += [f"clips: {summary.clips}, {summary.frames} frames, {summary.seconds / 60:.1f} minutes"]
    if summary.compounds is not None:
        rows.append(f"compounds of two actions: {summary.compounds}")
    rows.append(f"pictures: {summary.size} × {summary.size} pixels, aligned by the face")
    yield from (f"- {row}" for row in rows)
    yield from _section("License", _licensed(stated))
    yield from _section("Recordings and consent", [
        _plain(stated.source) or NO_SOURCE, _plain(stated.consent) or NO_CONSENT, personal(facts),
        *([f"Contact: {_plain(stated.contact)}"] if stated.contact else []),
    ])  # fmt: skip
    if stated.cite:
        yield from _section("Citation", [_plain(stated.cite)])
    yield from _section("Uses", USES)
    known = [f"- {limit}" for limit in facts.limits] or ["- Nothing odd was measured."]
    yield from _section("Known limits", [*LIMITS, "Measured on this dataset:", "\n".join(known)])
    yield from _section("Folds", [_FOLDS, "\n".join(_folds(facts))])
    yield from _section("Reading", list(_reading(facts)))
    for half in facts.halves:
        spreads = "\n".join(_spreads(half.spreads))
        columns = ", ".join(f"`{f.name}` {_code(f.type)}" for f in half.columns)
        texts = [spreads] if half.spreads else []
        yield from _section(f"Numbers and columns of {half.name}", [*texts, columns])


_FOLDS = (
    "Each subject is in one of ten folds, in its clips and its compounds, and no file mixes two. "
    "Train and test on different folds: then no person is on both sides."
)


def _section(title: str, texts: list[str] | tuple[str, ...]) -> Iterator[str]:
    yield from ("", f"## {title}")
    for text in texts:
        yield from ("", text)


def _licensed(stated: CardSettings) -> list[str]:
    if not stated.license:
        return [NO_LICENSE]
    link = f" ({stated.license_link})" if stated.license_link else ""
    return [f"{_plain(stated.license)}{link}"]


def _folds(facts: Facts) -> Iterator[str]:
    names = [half.name for half in facts.halves]
    yield f"| fold | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for fold in sorted({fold for half in facts.halves for fold in half.folds}):
        counts = (str(half.samples(fold)) for half in facts.halves)
        yield f"| {fold} | {' | '.join(counts)} |"


def _spreads(spreads: tuple[Spread, ...]) -> Iterator[str]:
    yield "| column | values | least | median | largest |"
    yield "|---|---|---|---|---|"
    for one in spreads:
        numbers = (f"{value:.4g}" for value in (one.low, one.median, one.high))
        yield f"| `{one.column}` | {one.count} | {' | '.join(numbers)} |"


def _reading(facts: Facts) -> Iterator[str]:
    yield "With fmdata, `fmdata.catalog.Dataset(folder)`. With Hugging Face `datasets`:"
    yield "\n".join(f'    load_dataset(folder, "{half.name}")' for half in facts.stored)
    virtual = [half for half in facts.halves if half.part.virtual]
    if virtual:
        yield (
            "The compounds are virtual: only their plan is stored, as tables, and fmdata splices "
            "them when they are read. So there is no configuration for them."
        )
    yield "The tables, one row a clip, are read by anything that reads Parquet:"
    pattern = f"{COMPOUNDS if virtual else facts.halves[0].name}/shard-?????.parquet"
    yield f'    load_dataset("parquet", data_files="{pattern}")'


def _plain(text: str) -> str:
    """Return a user's text in which Markdown and HTML have no meaning."""
    for special in "\\`*_[]<>#|":
        text = text.replace(special, f"\\{special}")
    return text


def _code(kind: pa.DataType) -> str:
    name = str(kind)
    return name if name.isalnum() else f"`{name}`"
