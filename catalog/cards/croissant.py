"""croissant.json: the dataset for machines, in Croissant 1.1 with its vocabulary of responsible AI.

It has the fields that NeurIPS asks for. Files are named by patterns, and checked by the digests of
``fmdata.json``, whose own digest is here.
"""

import json
from typing import Any

import pyarrow as pa

from fmdata.catalog.cards.facts import Facts, Half
from fmdata.catalog.cards.statements import LICENSES
from fmdata.catalog.cards.words import (
    LIMITS,
    NO_CONSENT,
    NO_SOURCE,
    USES,
    collected,
    marked,
    personal,
    preprocessing,
)
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.schema import is_scalar

VERSION = "http://mlcommons.org/croissant/1.1"
RAI_VERSION = "http://mlcommons.org/croissant/RAI/1.0"
_OF_CROISSANT = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field"),
    *("fileProperty", "fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset"),
    *("jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex"),
    *("repeated", "replace", "samplingRate", "separator", "source", "subField", "transform"),
)
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    **{name: f"cr:{name}" for name in _OF_CROISSANT},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
}
_SUFFIXES = {
    "tars": (
        "tar",
        "application/x-tar",
        "Samples to be streamed: crops, texture maps, sound, facts",
    ),
    "tables": ("parquet", "application/x-parquet", "One row a clip"),
    "frames": ("frames.parquet", "application/x-parquet", "One row a frame"),
}


def croissant(facts: Facts) -> str:
    """Return the description as JSON."""
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [VERSION, RAI_VERSION],
        "name": facts.title,
        "sdPublisher": {
            "@type": "sc:Organization", "name": "fmdata", "description": marked(facts)
        },
        "description": collected(facts),
        **_stated(facts),
        "version": f"{facts.card.format}.0.0+{facts.card_sha256[:16]}",
        "isLiveDataset": False,
        "keywords": ["face", "facial expression", "facial motion", "video"],
        **_responsible(facts),
        "distribution": _distribution(facts),
        "recordSet": [_records(half) for half in facts.halves if half.part.shards],
    }  # fmt: skip
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _stated(facts: Facts) -> dict[str, Any]:
    """Return what the owner states of license, place, date and contact."""
    stated = facts.stated
    found: dict[str, Any] = {}
    if stated.known_license:
        found["license"] = f"https://spdx.org/licenses/{LICENSES[stated.known_license]}.html"
    elif stated.license:
        found["license"] = stated.license_link or stated.license
    if stated.url:
        found["url"] = stated.url
    if stated.published:
        found["datePublished"] = stated.published
    if stated.cite:
        found["citeAs"] = stated.cite
    if stated.contact:
        found["publisher"] = {"@type": "sc:Organization", "name": stated.contact}
    return found


def _responsible(facts: Facts) -> dict[str, Any]:
    """Return the fields of responsible AI, those that NeurIPS asks for among them."""
    stated = facts.stated
    consent = f"Consent, as the owner states it: {stated.consent}" if stated.consent else NO_CONSENT
    source = stated.source or NO_SOURCE
    measured = [f"Measured on this dataset: {limit}." for limit in facts.limits]
    return {
        "rai:dataCollection": collected(facts),
        "rai:dataCollectionRawData": source,
        "rai:dataPreprocessingProtocol": [preprocessing(facts)],
        "rai:dataLimitations": [*LIMITS, *measured],
        "rai:dataBiases": [LIMITS[-1], _subjects(facts)],
        "rai:personalSensitiveInformation": [personal(facts), consent],
        "rai:dataUseCases": list(USES),
        "rai:dataSocialImpact": "Systems trained on it may help to study and restore motions of "
        "the face, and may be misused to watch people or to judge them by their faces.",
        # A compound is spliced by a program, and a simulated recording is drawn by one.
        "rai:hasSyntheticData": facts.summary.compounds is not None
        or stated.origin in ("simulated", "both"),
        "prov:wasDerivedFrom": {"@type": "prov:Entity", "prov:label": source},
        "prov:wasGeneratedBy": [
            {"@type": "prov:Activity", "prov:label": label, "sc:description": text}
            for label, text in (
                ("Collection", source), ("Preprocessing", preprocessing(facts)),
                ("Annotation", f"{collected(facts)} No person has annotated it, unless labels or "
                               "given boundaries say so."),
            )
        ],
    }  # fmt: skip


def _subjects(facts: Facts) -> str:
    summary = facts.summary
    return f"{summary.subjects} subjects and {summary.actions} actions are a small part of people's"


def _distribution(facts: Facts) -> list[dict[str, Any]]:
    """Return the card and the dropped list with their digests, and patterns of the shards."""
    dropped = facts.card.dropped_file
    files = [
        _file(card_file.NAME, "application/json", facts.card_sha256),
        _file(card_file.DROPPED, "application/x-parquet", dropped.sha256),
    ]
    for half in facts.halves:
        kinds = ("tables",) if half.part.virtual else tuple(_SUFFIXES)
        files += [_files(half, kind) for kind in kinds if half.part.shards]
    return files


def _file(name: str, form: str, sha256: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject", "@id": name, "name": name, "contentUrl": name,
        "encodingFormat": form, "sha256": sha256,
    }  # fmt: skip


def _files(half: Half, kind: str) -> dict[str, Any]:
    suffix, form, text = _SUFFIXES[kind]
    name = f"{half.name}-{kind}"
    lengths = sorted({len(shard.name.removeprefix("shard-")) for shard in half.part.shards})
    patterns = [f"{half.name}/shard-{'?' * length}.{suffix}" for length in lengths]
    return {
        "@type": "cr:FileSet", "@id": name, "name": name, "description": text,
        "encodingFormat": form, "includes": patterns,
    }  # fmt: skip


def _records(half: Half) -> dict[str, Any]:
    """Return the rows of the table of clips, with every column that holds one value."""
    return {
        "@type": "cr:RecordSet",
        "@id": half.name,
        "name": half.name,
        "description": f"One row for each clip of {half.name}",
        "key": {"@id": f"{half.name}/key"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{half.name}/{field.name}",
                "name": field.name,
                "dataType": _type(field.type),
                "source": {
                    "fileSet": {"@id": f"{half.name}-tables"},
                    "extract": {"column": field.name},
                },
            }
            for field in half.columns
            if is_scalar(field)
        ],
    }


def _type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"
