"""The snapshot as a page for a person: no script, nothing loaded from elsewhere, every value escaped."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from . import __version__
from .findings import findings
from .health import instant
from .snapshot import Snapshot, View

STYLE = """
:root { color-scheme: light dark; --pass: #1a7f37; --warn: #9a6700; --fail: #cf222e; --line: #8885 }
@media (prefers-color-scheme: dark) { :root { --pass: #3fb950; --warn: #d29922; --fail: #f85149 } }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 0 .3rem } p { margin: .3rem 0 }
table { border-collapse: collapse; width: 100%; margin: 1.2rem 0 }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0 }
th, td { border-top: 1px solid var(--line) }
td.w { white-space: nowrap } td.o { overflow-wrap: anywhere; width: 65% }
.pass { color: var(--pass) }
.warn { color: var(--warn); font-weight: 600 }
.fail { color: var(--fail); font-weight: 700 }
p.f { border-left: .3rem solid var(--line); padding-left: .8rem; overflow-wrap: anywhere }
footer { font-size: .85rem; opacity: .8 }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'"


def page(snapshot: Snapshot) -> str:
    """The page as HTML; it asks the browser to load it again every 10 s."""
    host, status = escape(snapshot.host), snapshot.status.word
    deployment = snapshot.deployment
    runs = "no deployment is known"
    if deployment is not None:
        mode = f"mode {escape(deployment.mode)}" if deployment.mode else "the agent only"
        runs = f"release {escape(deployment.release or '?')}, {mode}"
    rows = "\n".join(_rows(view) for view in snapshot.views)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="10"><title>{status}: SecLyzer Edge on {host}</title>
<style>{STYLE}</style></head>
<body><h1>SecLyzer Edge on {host}: <span class="{status}">{status}</span></h1>
<p>{runs}</p>
{_findings(snapshot)}<table><thead><tr><th>check</th><th>status</th><th>what was seen</th></tr></thead><tbody>
{rows}
</tbody></table>
<footer>Agent {escape(__version__)}, at {instant(snapshot.wall)}.
The same for programs: <a href="/healthz?verbose">/healthz?verbose</a>,
<a href="/metrics">/metrics</a>.</footer>
</body></html>
"""


def _findings(snapshot: Snapshot) -> str:
    """What is wrong, a paragraph each, with what to type."""
    return "".join(
        f'<p class="f"><span class="{one.status.word}">{one.status.word}</span> {escape(one.words)}<br>'
        f"since {instant(one.since)}; type <code>{escape(one.command)}</code>; more: {escape(one.entry)}</p>\n"
        for one in findings(snapshot)
    )


def _rows(view: View) -> str:
    cells = []
    for shown in view.shown:
        word = shown.status.word
        read = f"read {instant(shown.read_at)}"
        cells.append(
            f'<tr><td class="w">{escape(view.name)}:{escape(shown.entry.measurement)}</td>'
            f'<td class="w {word}" title="{read}">{word}</td>'
            f'<td class="o">{escape(shown.entry.output)}</td></tr>'
        )
    return "\n".join(cells)
