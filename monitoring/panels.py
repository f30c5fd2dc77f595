"""The kinds of panel that the dashboard has, each as one function over the Foundation SDK's builders."""

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import common, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import BigValueGraphMode, LegendDisplayMode, LegendPlacement, SortOrder
from grafana_foundation_sdk.models.common import TooltipDisplayMode as Tooltip
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
HEIGHT = 8
"""Rows of the grid that a graph is high; the dashboard is 24 columns wide."""
STATES = {0: ("pass", "green"), 1: ("warn", "yellow"), 2: ("fail", "red")}
"""The agent's values of a status, and how they are shown."""

Queries = Mapping[str, str]
"""The legend of each query and its expression."""


def queried(expression: str, legend: str, reference: str) -> prometheus.Dataquery:
    """A query over the time that is shown."""
    return prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(reference).range()


def latest(expression: str, reference: str = "A") -> prometheus.Dataquery:
    """A query of the last values only, as the rows of a table."""
    return prometheus.Dataquery().expr(expression).ref_id(reference).instant().format(PromQueryFormat.TABLE)


def colours(*steps: tuple[float | None, str]) -> build.ThresholdsConfig:
    """A colour from each value on; the first from the least."""
    return (
        build.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=value, color=colour) for value, colour in steps])
    )


def states() -> Sequence[model.ValueMap]:
    """Words and colours in the place of the values of a status."""
    options = {
        str(value): model.ValueMappingResult(text=word, color=colour) for value, (word, colour) in STATES.items()
    }
    return [model.ValueMap(options=options)]


def number(
    title: str, words: str, expression: str, steps: build.ThresholdsConfig, unit: str = "short", span: int = 4
) -> stat.Panel:
    """One figure as of now, with a small graph of how it was."""
    return (
        stat.Panel().title(title).description(words).datasource(SOURCE).unit(unit).span(span).height(4)
        .thresholds(steps).graph_mode(BigValueGraphMode.AREA).no_value("0")
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(queried(expression, title, "A"))
    )  # fmt: skip


def graph(title: str, words: str, queries: Queries, unit: str, span: int = 8) -> timeseries.Panel:
    """Lines over time, from 0; the tooltip has all of them, the greatest first."""
    panel = (
        timeseries.Panel().title(title).description(words).datasource(SOURCE).unit(unit).span(span).height(HEIGHT)
        .min(0).fill_opacity(8).line_width(1)
        .legend(common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(Tooltip.MULTI).sort(SortOrder.DESCENDING))
    )  # fmt: skip
    for place, (legend, expression) in enumerate(queries.items()):
        panel = panel.with_target(queried(expression, legend, chr(ord("A") + place)))
    return panel


def rows(title: str, words: str, expression: str, shown: Mapping[str, str], span: int = 12) -> table.Panel:
    """A table of what the expression gives: the labels in `shown`, and `Value` when it is there, by their headings."""
    heads = {"Value": shown["Value"]} if "Value" in shown else {}
    hidden = {"Time": True} | ({} if heads else {"Value": True})
    order = {name: place for place, name in enumerate(shown)}
    return (
        table.Panel().title(title).description(words).datasource(SOURCE).span(span).height(HEIGHT)
        .with_target(latest(expression))
        .with_transformation(
            model.DataTransformerConfig(
                id_val="organize",
                options={"excludeByName": hidden, "indexByName": order, "renameByName": dict(shown)},
            )
        )
    )  # fmt: skip


def timeline(title: str, words: str, expression: str, legend: str, span: int = 24) -> statetimeline.Panel:
    """States over time, a line for each."""
    return (
        statetimeline.Panel().title(title).description(words).datasource(SOURCE).span(span).height(2 * HEIGHT)
        .mappings(list(states())).thresholds(colours((None, "green"), (1, "yellow"), (2, "red")))
        .with_target(queried(expression, legend, "A"))
    )  # fmt: skip
