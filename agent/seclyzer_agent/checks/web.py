"""Is what lets in a Prometheus elsewhere good? Takes a changed `web.yml`, certificate or key, when it is."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Entry, Pace, Reading, Status
from ..spec import Context, Metric, Sample, Spec
from ..tls import BLOCK
from ..web import Web
from .certificate import ends_at, judge


@dataclass(frozen=True, slots=True)
class WebFacts:
    """Whether all that stands in the files is in force, and until when the certificate is good (Unix s)."""

    good: bool
    ends: float | None


def judge_config(fault: str) -> Entry:
    """`fault`: what is wrong with what stands in the files."""
    status = Status.FAIL if fault else Status.PASS
    words = f"web.yml is of no use, the one before is in force: {fault}" if fault else "web.yml is in force"
    return Entry("config", "web.yml", "component", status, words, not fault, figures=False)


class WebCheck:
    """The check `web`. Its facts: WebFacts."""

    name = "web"
    after = ()
    primary = Entry("config", "web.yml", "component", Status.FAIL, "")

    def __init__(self, web: Web, warn_days: float) -> None:
        self._web, self._warn_days = web, warn_days

    async def read(self) -> Reading:
        """Look for changes, and take them."""
        fault = self._web.refresh()
        ends = _ends_at(self._web)
        what = "the certificate that the agent shows"
        entries = (judge_config(fault), judge("certificate", what, ends, time.time(), self._warn_days))
        return Reading(entries, WebFacts(not fault, ends))


def _ends_at(web: Web) -> float | None:
    """Until when the certificate is good, in Unix s; None when the file cannot be read now."""
    try:
        blocks = BLOCK.findall(web.now.config.cert_file.read_bytes())
        pem = f"-----BEGIN CERTIFICATE-----{blocks[0].decode()}-----END CERTIFICATE-----"
        return ends_at(ssl.PEM_cert_to_DER_cert(pem))
    except (OSError, ValueError, IndexError):
        return None


def _ends(_: str, facts: WebFacts) -> Iterator[Sample]:
    if facts.ends is not None:
        yield (), facts.ends


def _make(context: Context) -> list[WebCheck]:
    return [] if context.web is None else [WebCheck(context.web, context.settings.own["certificate_warn_days"])]


SPEC = Spec(
    names=("web",),
    order=87,
    help="what lets in a Prometheus elsewhere",
    pace=Pace(10, 5, rise=1, fall=1),
    measurements={
        "config": "whether `web.yml` and the files that it names are good and in force (`fail`: the one before is)",
        "certificate": "until when the agent's own is good: less than `certificate_warn_days`: `warn`, less than 3 "
        "days, or expired: `fail`",
    },
    uses=("web_listen", "web_config_file"),
    metrics=(
        Metric(
            "seclyzer_web_config_good",
            "gauge",
            "1 when what stands in web.yml and the files that it names is in force",
            lambda _, facts: [((), 1 if facts.good else 0)],
            state=True,
        ),
        Metric(
            "seclyzer_web_certificate_expiry_timestamp_seconds",
            "gauge",
            "Unix time until which the certificate that the agent shows is good",
            _ends,
            state=True,
        ),
    ),
    state_facts=True,
    make=_make,
)
