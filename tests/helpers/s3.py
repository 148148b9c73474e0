"""An S3 server of this machine in a process of its own: moto's, which fails now and then."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

# One request in twenty is answered with an error that S3 gives under load.
SERVER = """
import sys
from itertools import count
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
app, numbers = DomainDispatcherApplication(create_backend_app), count(1)
def failing(environ, start_response):
    if next(numbers) % 20:
        return app(environ, start_response)
    start_response("503 Slow Down", [("Content-Length", "0"), ("Connection", "close")])
    return []
run_simple("127.0.0.1", int(sys.argv[1]), failing, threaded=True)
"""
TIMEOUT_S = 120


@contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Yield the environment in which S3 is this server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port, process)
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
        }
    finally:
        process.kill()
        process.wait()


@contextmanager
def s3_bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Have S3 be a server of this machine with an empty bucket `faces`; yield a view of it."""
    import s3fs

    with s3_server() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        view = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
        view.mkdir("faces")
        yield view


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + TIMEOUT_S
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the S3 server did not start")
