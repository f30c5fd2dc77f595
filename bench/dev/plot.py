"""A picture by hand: each judged figure as a bar from its limit, to the left when better, logarithmic."""

import math
from html import escape

from ..expectations import Verdict
from ..result import Result, limit_words, number

WIDTH, LEFT, RIGHT, ROW, TOP = 1000, 470, 190, 18, 64
DECADES = 2  # on each side of the limit
COLOURS = {"rust": "#b7410e", "python": "#306998", "agent": "#2f7d32"}
STYLE = "text{font:12px sans-serif;fill:#222}.h{font-size:16px}.s{fill:#666}.r{text-anchor:end}"


def svg(result: Result) -> str:
    """The whole file."""
    judged = [verdict for verdict in result.verdicts() if verdict.limit is not None]
    height = TOP + ROW * len(judged) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        '<text class="h" x="12" y="24">What the extractors cost, against what is expected of them</text>',
        f'<text class="s" x="12" y="44">{escape(_subtitle(result))}</text>',
        *_axis(height),
    ]
    for i, verdict in enumerate(judged):
        parts += _bar(verdict, TOP + ROW * i)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _subtitle(result: Result) -> str:
    about = result.about
    return f"{about['cpu']}, {about['cores']} cores, {about['system']}, {about['at'][:10]}; left of the line is better"


def _axis(height: int) -> list[str]:
    lines = []
    for power in range(-DECADES, DECADES + 1):
        x, name = _x(10.0**power), "limit" if power == 0 else f"{10.0**power:g}x"
        colour = "#222" if power == 0 else "#ddd"
        lines.append(f'<line x1="{x:.0f}" x2="{x:.0f}" y1="{TOP - 4}" y2="{height - 20}" stroke="{colour}"/>')
        lines.append(f'<text class="s" x="{x:.0f}" y="{height - 6}" text-anchor="middle">{name}</text>')
    return lines


def _bar(verdict: Verdict, y: int) -> list[str]:
    """One row: the figure's words, its bar, its value and its limit."""
    times = _times(verdict)
    start, end = sorted((_x(1.0), _x(times)))
    colour = COLOURS[verdict.implementation] if verdict.holds else "#d00"
    words = f"{verdict.expectation.title}, {verdict.implementation}"
    value = f"{number(verdict.value)} {verdict.expectation.unit} ({limit_words(verdict)})"
    return [
        f'<text class="r" x="{LEFT - 8}" y="{y + 13}">{escape(words)}</text>',
        f'<rect x="{start:.1f}" y="{y + 3}" width="{max(end - start, 1):.1f}" height="{ROW - 6}" fill="{colour}"/>',
        f'<text x="{WIDTH - RIGHT + 8}" y="{y + 13}">{escape(value)}</text>',
    ]


def _times(verdict: Verdict) -> float:
    """How many times its limit a figure is; below 1 is better, also where more is better."""
    assert verdict.limit is not None
    times = verdict.value / verdict.limit.bound if verdict.value > 0 else 10.0**-DECADES
    return 1 / times if verdict.limit.at_least else times


def _x(times: float) -> float:
    power = max(-DECADES, min(DECADES, math.log10(max(times, 1e-9))))
    return LEFT + (WIDTH - LEFT - RIGHT) * (power + DECADES) / (2 * DECADES)
