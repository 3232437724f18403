"""Draws how times grow with the number of partners: ``plot.py FOLDER REPORT…`` (JSON reports of ./setup/bench)."""

import json
import sys
from pathlib import Path

import matplotlib
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter

#: Work → what a reader calls it.
WORKS = {"find_one": "Find one person", "open_form": "Open a contact's form", "erase_one": "Erase one person: run"}
SIDES = {
    "ours": ("with these add-ons", "#714B67", "o"),
    "peer": ("Odoo's or OCA's own tool", "#999999", "s"),
    "indexed": ("the same over our indexes", "#CC9900", "^"),
}


def draw(folder, reports):
    """Write growth.png, growth.svg and the numbers that they show."""
    matplotlib.rcParams["svg.hashsalt"] = "growth"  # the same numbers give the same file
    figure, places = pyplot.subplots(1, len(WORKS), figsize=(12, 4.2), layout="constrained")
    for place, (work, title) in zip(places, WORKS.items(), strict=True):
        for side, (label, colour, marker) in SIDES.items():
            points = [(report["partners"], median(report, side, work)) for report in reports]
            points = [(size, value) for size, value in points if value is not None]
            place.plot(*zip(*points, strict=True), label=label, color=colour, marker=marker)
        place.set(title=title, xlabel="partners", xscale="log", yscale="log")
        place.xaxis.set_major_formatter(FuncFormatter(lambda size, _place: f"{size:,.0f}"))
        low, high = place.get_ylim()
        if high < 10 * low:
            # what is alike must look alike
            place.set_ylim(low / 4, high * 4)
        place.set_xticks([report["partners"] for report in reports], minor=False)
        place.minorticks_off()
        place.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
        place.grid(alpha=0.3)
    places[0].set_ylabel("milliseconds (median)")
    handles, labels = places[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(SIDES), frameon=False)
    figure.savefig(folder / "growth.png", dpi=110)
    figure.savefig(folder / "growth.svg", metadata={"Date": None})
    numbers = {
        "processors": sorted({report["processor"] for report in reports}),
        "milliseconds": {
            work: {side: {str(report["partners"]): median(report, side, work) for report in reports} for side in SIDES}
            for work in WORKS
        },
    }
    (folder / "growth.json").write_text(json.dumps(numbers, indent=2) + "\n")


def median(report, side, work):
    """Milliseconds, or None where it was not measured."""
    seconds = report["medians"][side].get(work, {}).get("seconds")
    return None if seconds is None else round(seconds * 1000, 3)


if __name__ == "__main__":
    target, *files = map(Path, sys.argv[1:])
    draw(target, sorted((json.loads(file.read_text()) for file in files), key=lambda report: report["partners"]))
