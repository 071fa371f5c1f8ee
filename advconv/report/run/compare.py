"""Several runs side by side: results, seeds, networks, and the settings that differ."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from advconv.report.page.curves import figure
from advconv.report.page.document import Section, plain_page
from advconv.report.page.markup import Content, element
from advconv.report.page.tables import sortable
from advconv.report.run.curves import MAX_DRAWN, of_runs
from advconv.report.run.reading import RunReport
from advconv.report.run.sections import STYLE
from advconv.report.run.tables import flow, loss_text, seconds_text
from advconv.report.table import Cell, Table
from advconv.training.confusion import percent_text
from advconv.values.quantities import bytes_text

MAX_RUNS = 32
"""That are compared at once."""

MAX_DIFFERENCES = 300

RESULTS = (
    "run", "state", "seed", "epochs", "test accuracy", "test loss", "best epoch", "its accuracy", "picked on",
    "training accuracy", "time of the epochs", "device",
)  # fmt: skip


def names_of(reports: Sequence[RunReport]) -> list[str]:
    """The names of the directories; their paths where two are the same."""
    names = Counter(report.name for report in reports)
    return [report.name if names[report.name] == 1 else str(report.run.path) for report in reports]


def comparison_page(reports: Sequence[RunReport]) -> str:
    """The page of several runs as one text that loads nothing."""
    names = names_of(reports)
    sections = [Section("results", "Results", "Results", sortable(results_table(reports, names)))]
    if seeds := seeds_table(reports, names):
        sections.append(Section("seeds", "Seeds", "Seeds", sortable(seeds)))
    sections += [
        Section("curves", "Curves", "Training curves", _curves(reports, names)),
        Section("networks", "Networks", "Networks", sortable(networks_table(reports, names))),
        Section("differences", "Differences", "Settings that differ", _differences(reports, names)),
    ]
    head = element("p", ", ".join(names), class_="note")
    return plain_page(title_of(reports), head, sections, f"{len(reports)} runs", STYLE)


def title_of(reports: Sequence[RunReport]) -> str:
    return f"Comparison of {len(reports)} runs"


def _curves(reports: Sequence[RunReport], names: Sequence[str]) -> Content:
    note = f"The first {MAX_DRAWN} of {len(reports)} runs are drawn." if len(reports) > MAX_DRAWN else None
    return (
        element("p", note, class_="muted") if note else None,
        element("div", *map(figure, of_runs(reports, names)), class_="charts wide-charts"),
        element("p", "The page of each run has its log.", class_="closing"),
    )


def results_table(reports: Sequence[RunReport], names: Sequence[str]) -> Table:
    """A row for each run; the test accuracy is that of the last epoch of a finished run."""
    rows = tuple(_result_row(report, name) for report, name in zip(reports, names, strict=True))
    title = "Averaged weights of the last epoch on the test set; the best epoch, and the set that it is picked on"
    percent = dict.fromkeys(("test accuracy", "its accuracy", "training accuracy"), percent_text)
    return Table(title, RESULTS, rows, texts={**percent, "test loss": loss_text, "time of the epochs": seconds_text})


def _result_row(report: RunReport, name: str) -> tuple[Cell, ...]:
    result, history = report.result, report.history
    epochs = f"{len(history.epochs):,} of {report.spec.train.epochs:,}"
    test = (result.test_accuracy, result.test_loss) if result else (None, None)
    picked = history.picked_on if history.best_epoch else None
    best = (history.best_epoch or None, history.best_accuracy, picked)
    training = report.last and report.last.train_accuracy
    start = (name, report.state.value, report.metadata.seed, epochs)
    return *start, *test, *best, training, report.seconds, report.device


def seeds_table(reports: Sequence[RunReport], names: Sequence[str]) -> Table | None:
    """Finished runs that differ in nothing but their seed, together; None if there are none."""
    groups = defaultdict(list)
    for report, name in zip(reports, names, strict=True):
        if report.result:
            groups[_without_seed(report)].append((report, name))
    rows = [_seeds_row(group) for group in groups.values() if len({each.metadata.seed for each, _ in group}) > 1]
    if not rows:
        return None
    columns = ("network", "seeds", "runs", "mean test accuracy", "lowest", "highest", "standard deviation", "mean time")
    accuracies = dict.fromkeys(columns[3:6], percent_text)
    texts = {**accuracies, "standard deviation": lambda value: f"{value:.2f}", "mean time": seconds_text}
    title = "Finished runs with the same settings and versions and different seeds; the deviation is that of a sample"
    return Table(title, columns, tuple(rows), texts=texts)


def _without_seed(report: RunReport) -> str:
    settings = settings_of(report)
    return repr(sorted((key, value) for key, value in settings.items() if key != "train.seed"))


def _seeds_row(group: Sequence[tuple[RunReport, str]]) -> tuple[Cell, ...]:
    accuracies = [report.result.test_accuracy for report, _ in group if report.result]
    seeds = ", ".join(sorted({str(report.metadata.seed) for report, _ in group}, key=int))
    spread = statistics.stdev(accuracies)
    numbers = statistics.mean(accuracies), min(accuracies), max(accuracies), spread
    time = statistics.mean(report.seconds for report, _ in group)
    return group[0][0].spec.name, seeds, len(group), *numbers, time


def networks_table(reports: Sequence[RunReport], names: Sequence[str]) -> Table:
    columns = ("run", "network", "parameters", "MACs", "receptive field", "memory", "constraints kept")
    rows = tuple(_network_row(report, name) for report, name in zip(reports, names, strict=True))
    return Table(
        "MACs and memory for one image; bias and norm not counted", columns, rows, texts={"memory": bytes_text}
    )


def _network_row(report: RunReport, name: str) -> tuple[Cell, ...]:
    measures, checked = report.run.measures, report.checked
    size = measures.receptive_field.size
    field: Cell = size if size is None or size[0] != size[1] else size[0]
    counts = measures.total.params, measures.total.macs
    return name, report.spec.name, *counts, field, measures.memory.inference, f"{checked.kept} of {checked.judged}"


def _differences(reports: Sequence[RunReport], names: Sequence[str]) -> Content:
    table = differences_table(reports, names)
    return sortable(table) if table.rows else element("p", "None.")


def differences_table(reports: Sequence[RunReport], names: Sequence[str]) -> Table:
    """The settings, versions and devices that are not the same for all runs, with the value of each run."""
    settings = [settings_of(report) for report in reports]
    paths = dict.fromkeys(path for each in settings for path in each)
    found = [(path, [each.get(path, "-") for each in settings]) for path in paths]
    differing = [(path, *values) for path, values in found if len(set(values)) > 1]
    more = (f"The first {MAX_DIFFERENCES} of {len(differing):,}.",) if len(differing) > MAX_DIFFERENCES else ()
    return Table("Settings, versions and devices", ("setting / run", *names), tuple(differing[:MAX_DIFFERENCES]), more)


def settings_of(report: RunReport) -> dict[str, str]:
    """Every field of the resolved file by its path, and what else the result depends on."""
    metadata, options = report.metadata, report.metadata.options
    own = {f"version of {name}": version for name, version in metadata.versions.items()}
    own |= {"device": report.device, "processes": str(metadata.world_size)}
    own["images"] = "all" if options.limit is None else f"the first {options.limit:,}"
    own["initial weights"] = options.initial_weights.sha256 if options.initial_weights else "new"
    own["until"] = "-" if options.until is None else f"{options.until:g}%"
    return dict(_leaves(report.run.architecture.document.root.data, "")) | own


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """The values of a document by their paths, as messages write them: `network.C1[0].conv`."""
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _leaves(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
        for index, part in enumerate(value):
            yield from _leaves(part, f"{path}[{index}]")
    else:
        yield path, flow(value)
