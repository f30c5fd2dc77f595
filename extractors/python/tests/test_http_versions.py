"""`influx._Response` overrides a private method of http.client: it passes over 1xx in every Python that is here."""

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seclyzer_extractors import influx

SERVED = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
PROGRAM = f"""
import http.client, io
{inspect.getsource(influx._Response)}
class Socket:
    def makefile(self, *_):
        return io.BytesIO({SERVED!r})
response = _Response(Socket(), method="POST")
response.begin()
print(response.status)
"""


def interpreters() -> list[str]:
    """This one and every other one of 3.11 or later, on the PATH or beside it as pyenv has them."""
    found = {sys.executable}
    on_path = (shutil.which(f"python3.{minor}") for minor in range(11, 20))
    found |= {path for path in on_path if path and "shims" not in Path(path).parts}  # a shim may lead nowhere
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for path in pyenv.glob("3.*/bin/python"):
        version = re.match(r"3\.(\d+)", path.parts[-3])
        if version and int(version[1]) >= 11:
            found.add(str(path))
    return sorted(found)


@pytest.mark.parametrize("python", interpreters())
def test_every_1xx_is_passed_over(python: str) -> None:
    done = subprocess.run([python, "-c", PROGRAM], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("204\n", "")
