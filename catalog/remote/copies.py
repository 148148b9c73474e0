"""The list of the places to which a dataset was pushed, ``copies.txt`` in its folder.

It lies in the folder, not in the user's cache: a cache may be emptied, and a folder that is moved,
or shared by several users, keeps its list. It is never pushed, since the card does not name it.
Promise: it holds no user name, password or token of a URL.
"""

import re
from contextlib import suppress
from pathlib import Path

from fmdata.catalog.errors import UsageError
from fmdata.catalog.storage.place import COPIES

# A user's name and password before the host. A password may hold slashes, so all up to the last @.
# A name or a token alone; on Azure a container stands before the @.
_USER = re.compile(
    r"(?<=://)(?=[^@]*:).*@|(?<=://)(?<!abfs://)(?<!abfss://)(?<!wasb://)(?<!wasbs://)[^/@]*@"
)
_QUERY = re.compile(r"(?<=\?).*")


def shown(url: str) -> str:
    """Return a URL, or the URL of a path, without what may be secret.

    >>> shown("ftp://ann:pass/word@host/lab")
    'ftp://***@host/lab'
    """
    url = url if "://" in url else Path(url).resolve().as_uri()
    return _QUERY.sub("***", _USER.sub("***@", url)).rstrip("/")


def without_secrets(text: str, url: str) -> str:
    """Return a text, such as a library's message, without the secrets of a URL."""
    for secret in (*_USER.findall(url), *_QUERY.findall(url)):
        if secret:
            text = text.replace(secret.rstrip("@"), "***")
    return text


def copies_of(dataset: Path) -> list[str]:
    """Return the URLs to which a dataset was pushed, or from which it was pulled, in order."""
    with suppress(OSError, UnicodeDecodeError):
        lines = (dataset / COPIES).read_text("utf-8").splitlines()
        return list(dict.fromkeys(line for line in lines if "://" in line))
    return []


def require_apart(dataset: Path, url: str) -> None:
    """Refuse a copy of a folder in the folder itself."""
    if f"{url}/".startswith(f"{dataset.resolve().as_uri()}/"):
        raise UsageError(
            "the copy and the dataset are one folder, or one is inside the other",
            wanted="a place outside the dataset",
            where=url,
            todo="name another place",
        )


def remember(dataset: Path, url: str) -> bool:
    """Add a URL, as :func:`shown`, to the list; return False where the folder is read-only.

    A line is appended in one write, so that two pushes at the same time lose none.
    """
    if url in copies_of(dataset):
        return True
    try:
        with (dataset / COPIES).open("ab", buffering=0) as file:
            file.write(f"{url}\n".encode())
    except OSError:
        return False
    return True
