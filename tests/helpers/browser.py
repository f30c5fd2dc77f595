"""A real Chromium for tests: started without a window, driven by the DevTools protocol over two pipes."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.helpers.waiting import until

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-pipe",
)


ENDED = "the browser has ended; is the package chromium installed?"


class BrowserFault(Exception):
    """What the browser answers to a command that it refuses, or what a script threw."""


class Browser:
    """One page of a Chromium, until it is closed. `console` and `requests` are of what `show` shows."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="browser-"))
        command_read, self._commands = os.pipe()
        self._answers, answer_write = os.pipe()
        moved = (os.dup(command_read), os.dup(answer_write))  # out of the way of 3 and 4
        browser = ["chromium", *FLAGS, f"--user-data-dir={self._folder}", "about:blank"]
        self._process = subprocess.Popen(
            # bash, for sh knows numbers of one digit only.
            ["bash", "-c", 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"', "bash", *map(str, moved), *browser],
            pass_fds=moved,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(self._folder)},
        )
        for end in (command_read, answer_write, *moved):
            os.close(end)
        self._rest = b""
        self._ids = itertools.count(1)
        self._session = ""
        self.console: list[str] = []
        self.requests: list[str] = []
        target = self._ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = self._ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the browser."""
        self._process.kill()
        self._process.wait()
        os.close(self._commands)
        os.close(self._answers)
        shutil.rmtree(self._folder, ignore_errors=True)

    def show(self, url: str, *, width: int = 1000, height: int = 900, dark: bool = False, script: bool = True) -> None:
        """Load a page into a window of this size (CSS pixels), as a person with these preferences sees it."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._ask("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", {"features": [scheme]})
        self._ask("Emulation.setScriptExecutionDisabled", {"value": not script})
        self.console.clear()
        self.requests.clear()
        if fault := self._ask("Page.navigate", {"url": url}).get("errorText"):
            raise BrowserFault(fault)
        until(lambda: self.run("document.readyState") == "complete")

    def run(self, script: str) -> Any:
        """The value of an expression in the page, as JSON has it; a promise is waited for. Raises BrowserFault."""
        asked = {"expression": script, "returnByValue": True, "awaitPromise": True}
        answer = self._ask("Runtime.evaluate", asked)
        if "exceptionDetails" in answer:
            raise BrowserFault(answer["exceptionDetails"].get("exception", {}).get("description", "the script threw"))
        return answer["result"].get("value")

    def read_console(self) -> list[str]:
        """What the page has in its console by now."""
        self.run("0")  # what happened before the answer stands before it in the pipe
        return self.console

    def press(self, key: str) -> None:
        """Press and release a key by its name, such as Tab or Enter."""
        code = {"Tab": 9, "Enter": 13}[key]
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        text = {"text": "\r"} if key == "Enter" else {}
        self._ask("Input.dispatchKeyEvent", {"type": "keyDown", **event, **text})
        self._ask("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def tree(self) -> list[tuple[str, str]]:
        """Role and name of what a screen reader is given, in order."""
        nodes = self._ask("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")
        ]

    def picture(self, file: Path) -> None:
        """Write the whole page as a PNG."""
        height = self.run("document.documentElement.scrollHeight")
        width = self.run("document.documentElement.clientWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, 6000), "scale": 1}
        asked = {"format": "png", "clip": clip, "captureBeyondViewport": True}
        file.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot", asked)["data"]))

    def _ask(self, method: str, parameters: Mapping[str, Any] | None = None) -> Any:
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": dict(parameters or {})}
        if self._session:
            message["sessionId"] = self._session
        try:
            os.write(self._commands, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise BrowserFault(ENDED) from None
        while (answer := self._read()).get("id") != number:
            self._note(answer)
        if "error" in answer:
            raise BrowserFault(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._answers, 1 << 16)
            if not more:
                raise BrowserFault(ENDED)
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def _note(self, event: Mapping[str, Any]) -> None:
        """Keep what a person would see in the browser's console."""
        if event.get("method") == "Log.entryAdded":
            self.console.append(event["params"]["entry"]["text"])
        if event.get("method") == "Runtime.exceptionThrown":
            self.console.append(event["params"]["exceptionDetails"]["text"])
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"]["url"])
