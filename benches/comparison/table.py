"""Results as Markdown. Never measures, and writes no file."""
from dataclasses import replace
from statistics import median

from comparison.results import METRICS, Against, Figure, Missing

MIB = 1 << 20


def report(head, sections, with_goals):
    """The whole document: what was measured where, and a section for each group. Goals are for the whole data only."""
    lines = ["# podseed and its peers", "", *head, ""]
    for title, results in sections:
        results = results if with_goals else [without_goal(result) for result in results]
        lines += [f"## {title}", "", *section(results)]
    return "\n".join(lines).rstrip("\n") + "\n"


def without_goal(result):
    """The same, measured only."""
    if isinstance(result, Against):
        return replace(result, goals={})
    return replace(result, goal=None) if isinstance(result, Figure) else result


def section(results):
    """Up to two tables and a list: against peers, on its own, and what could not be measured."""
    lines = []
    ratios = [result for result in results if isinstance(result, Against)]
    figures = [result for result in results if isinstance(result, Figure)]
    if ratios:
        lines += [
            "| What | Against | CPU s | CPU ratio | Wall s | Wall ratio | Peak MiB | Goals |",
            "|---|---|---|---|---|---|---|---|",
            *map(ratio_line, ratios), "",
        ]
    if figures:
        lines += ["| What | Measured | Goal |", "|---|---|---|", *map(figure_line, figures), ""]
    lines += [f"- {result.what}: not measured here. {result.why}" for result in results if isinstance(result, Missing)]
    return [*lines, ""] if any(isinstance(result, Missing) for result in results) else lines


def ratio_line(result):
    """One peer."""
    cells = [result.what, f"`{result.peer}`" if " " in result.peer else result.peer]
    for metric in METRICS:
        unit, digits = (MIB, 0) if metric == "peak" else (1, 2)
        sides = (result.ours, result.theirs)
        ours, theirs = (median(getattr(sample, metric) for sample in samples) / unit for samples in sides)
        cells.append(f"{ours:.{digits}f} : {theirs:.{digits}f}")
        if metric != "peak":
            ratios = result.ratios(metric)
            cells.append(f"**{median(ratios):.2f}** ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    cells.append(goals(result))
    return "| " + " | ".join(cells) + " |"


def goals(result):
    """As `CPU 0.40 reached, wall 0.40 missed`."""
    names = {"cpu": "CPU", "wall": "wall", "peak": "peak"}
    told = []
    for metric, goal in result.goals.items():
        told.append(f"{names[metric]} {goal:.2f} " + ("**missed**" if metric in result.misses() else "reached"))
    return ", ".join(told)


def figure_line(result):
    """One of our own figures."""
    lowest, highest = min(result.values), max(result.values)
    measured = f"**{number(median(result.values))} {result.unit}** ({number(lowest)} to {number(highest)})"
    if result.goal is None:
        goal = ""
    else:
        goal = f"{number(result.goal)} {result.unit} " + ("**missed**" if result.misses() else "reached")
    return f"| {result.what} | {measured} | {goal} |"


def number(value):
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
