"""A picture of a watch, by hand: memory and CPU time of each extractor against the baseline, and what was not seen."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, LEFT, PLOT, HIGH, TOP, SPACE = 900, 60, 800, 130, 78, 44
COLOURS = {"keystroke": "#306998", "mouse": "#b7410e", "app": "#3a7d44"}
OTHER = "#555"
STYLE = "text{font:12px sans-serif;fill:#222}.h{font-size:16px}.s{fill:#666}.r{text-anchor:end}.m{text-anchor:middle}"

Series = Mapping[str, Sequence[tuple[float, float | None]]]


def svg(host: str, report: Mapping[str, Any]) -> str:
    """The whole file."""
    plan = report["plan"]
    since, until = float(plan["began"]), float(plan["began"]) + float(plan["seconds"])
    kinds = report["kinds"]
    used = {by for kind in kinds.values() for by in kind["by"]}
    lines = {
        what: [(f"baseline, {by}", of[what]) for by, of in report["baseline"].items() if by in used]
        for what in ("mib", "cpu")
    }
    memory = {name: [(t, mib) for t, mib, _ in kind["series"]] for name, kind in kinds.items()}
    cpu = {name: [(t, share) for t, _, share in kind["series"]] for name, kind in kinds.items()}
    height = TOP + 2 * (HIGH + SPACE)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(host)}: memory and CPU time of the extractors</title>",
        f"<style>{STYLE}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text class="h" x="12" y="24">{escape(host)}, from {_at(since)} to {_at(until)}</text>',
        *_legend(list(kinds)),
        *_plot(TOP, "memory (RSS), MiB", memory, lines["mib"], since, until, report["gaps"]),
        *_plot(TOP + HIGH + SPACE, "CPU time, % of a core", cpu, lines["cpu"], since, until, report["gaps"]),
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(kinds: Sequence[str]) -> list[str]:
    found, x = list[str](), 12
    for name in kinds:
        found.append(f'<rect x="{x}" y="38" width="12" height="12" fill="{COLOURS.get(name, OTHER)}"/>')
        found.append(f'<text x="{x + 17}" y="48">{escape(name)}</text>')
        x += 110
    found.append(f'<rect x="{x}" y="38" width="12" height="12" fill="#ddd"/><text x="{x + 17}" y="48">not seen</text>')
    found.append(f'<path d="M{x + 110} 44h20" stroke="#222" stroke-dasharray="4 3"/>')
    return [*found, f'<text x="{x + 136}" y="48">baseline, under 1000 events/s</text>']


def _plot(
    top: int,
    words: str,
    series: Series,
    marks: Sequence[tuple[str, float]],
    since: float,
    until: float,
    gaps: Sequence[Mapping[str, Any]],
) -> list[str]:
    """One plot. A line ends where nothing was seen."""
    values = [value for points in series.values() for _, value in points if value is not None]
    most = max([*values, *(value for _, value in marks)], default=0.0) * 1.1 or 1.0
    bottom = top + HIGH

    def x(t: float) -> float:
        return LEFT + PLOT * min(max((t - since) / (until - since), 0.0), 1.0)

    def y(value: float) -> float:
        return bottom - HIGH * value / most

    parts = [f'<text x="{LEFT}" y="{top - 6}">{escape(words)}</text>']
    for gap in gaps:
        left, right = x(float(gap["since"])), x(float(gap["until"]))
        width = max(right - left, 1)
        why = escape(str(gap["why"]))
        box = f'x="{left:.1f}" y="{top}" width="{width:.1f}" height="{HIGH}" fill="#ddd"'
        parts.append(f"<rect {box}><title>{why}</title></rect>")
    parts.append(f'<path d="M{LEFT} {top}V{bottom}H{LEFT + PLOT}" fill="none" stroke="#888"/>')
    for value in (0.0, most / 2, most):
        parts.append(f'<text class="r s" x="{LEFT - 6}" y="{y(value) + 4:.1f}">{value:.3g}</text>')
    for label, value in marks:
        parts.append(
            f'<path d="M{LEFT} {y(value):.1f}h{PLOT}" stroke="#222" stroke-dasharray="4 3"/>'
            f'<text class="r s" x="{LEFT + PLOT}" y="{y(value) - 4:.1f}">{escape(label)}: {value:.3g}</text>'
        )
    for name, points in series.items():
        drawn = _path([(t, x(t), y(v)) for t, v in points if v is not None], gaps)
        parts.append(f'<path d="{drawn}" fill="none" stroke="{COLOURS.get(name, OTHER)}" stroke-width="1.5"/>')
    parts.append(f'<text class="s" x="{LEFT}" y="{bottom + 16}">{_at(since)}</text>')
    return [*parts, f'<text class="r s" x="{LEFT + PLOT}" y="{bottom + 16}">{_at(until)}</text>']


def _path(points: Sequence[tuple[float, float, float]], gaps: Sequence[Mapping[str, Any]]) -> str:
    """A line through points (time, x, y), with a break at each gap."""
    words, before = list[str](), 0.0
    for t, x, y in points:
        broken = any(before <= float(gap["since"]) < t for gap in gaps)
        words.append(f"{'M' if not words or broken else 'L'}{x:.1f} {y:.1f}")
        before = t
    return "".join(words)


def _at(t: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(t))
