"""A picture of a comparison, by hand: what became of each kind's outputs, and what each side took for them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from .comparison import Comparison, Cost

WIDTH, LEFT, BAR, ROW, TOP = 900, 230, 480, 20, 70
EQUAL, WRONG, SIDES = "#3a7d44", "#d00", ("#306998", "#b7410e")
STYLE = "text{font:12px sans-serif;fill:#222}.h{font-size:16px}.s{fill:#666}.r{text-anchor:end}"


def svg(
    names: tuple[str, str],
    found: list[Comparison],
    costs: Mapping[str, tuple[Cost | None, Cost | None]],
    seconds: float,
) -> str:
    """The whole file."""
    rows = [row for one in found for row in _rows(names, one, costs.get(one.kind, (None, None)))]
    most = {unit: max((value for _, value, of, _, _ in rows if of == unit), default=0.0) for unit in ("", "%", "MiB")}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {TOP + ROW * len(rows) + 12}" role="img">',
        f"<style>{STYLE}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text class="h" x="12" y="24">{escape(names[0])} and {escape(names[1])}, side by side</text>',
        f'<text class="s" x="12" y="44">{seconds:.0f} s; green: outputs that are equal, red: that are not</text>',
    ]
    for i, (words, value, unit, colour, text) in enumerate(rows):
        y = TOP + ROW * i
        width = BAR * value / most[unit] if most[unit] else 0.0
        parts += [
            f'<text class="r" x="{LEFT - 8}" y="{y + 13}">{escape(words)}</text>',
            f'<rect x="{LEFT}" y="{y + 3}" width="{max(width, 1):.1f}" height="{ROW - 6}" fill="{colour}"/>',
            f'<text x="{LEFT + max(width, 1) + 6:.1f}" y="{y + 13}">{escape(text)}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


Row = tuple[str, float, str, str, str]
"""Words on the left, value, its unit (bars of a unit share a scale), colour, words on the right."""


def _rows(names: tuple[str, str], one: Comparison, costs: tuple[Cost | None, Cost | None]) -> list[Row]:
    wrong = one.compared - one.equal
    rows: list[Row] = [
        (f"{one.kind}: equal", one.equal, "", EQUAL, f"{one.equal} of {one.compared}"),
        (f"{one.kind}: different or missing", wrong, "", WRONG, str(wrong)),
    ]
    for name, cost, colour in zip(names, costs, SIDES, strict=True):
        if cost:
            cpu, memory = cost.cpu_percent, cost.memory_mib
            short = name if len(name) < 16 else f"…{name[-14:]}"
            rows.append((f"CPU, {short}", cpu, "%", colour, f"{cpu:.2f} %"))
            rows.append((f"memory, {short}", memory, "MiB", colour, f"{memory:.1f} MiB"))
    return rows
