"""The commands on files, and their options."""

from advconv.cli.option_types import edits, natural, port
from advconv.cli.shared_options import (
    Commands,
    add_data_dir,
    add_device,
    add_file,
    add_format,
    add_input,
    add_limits,
    add_rules,
    command,
)
from advconv.report.formats import CHECK_FORMATS, HTML, JSON, REPORT_FORMATS, TABLE_FORMATS, TEXT

DEFAULT_PORT = 8321
"""Of `watch --page`."""


def add_check(commands: Commands) -> None:
    help = "measure networks and check their constraints"
    check = command(commands, "check", help, "advconv check mynet.yaml --input 3,64,64", "check_command:run_check")
    help = "YAML files, directories with architectures, or - for standard input"
    check.add_argument("files", nargs="+", metavar="FILE", help=help)
    help = "apply the fixes of rules that change no number that the constraints judge"
    check.add_argument("--fix", action="store_true", help=help)
    add_format(check, CHECK_FORMATS)
    add_input(check)
    add_rules(check)


def add_watch(commands: Commands) -> None:
    help = "check files each time that they are saved"
    watch = command(commands, "watch", help, "advconv watch mynet.yaml --page", "watch_command:run_watch")
    help = "YAML files; one that does not exist yet is waited for"
    watch.add_argument("files", nargs="+", metavar="FILE", help=help)
    help = "serve the page of `advconv report` too, on this machine only; a browser reloads it at each change"
    watch.add_argument("--page", action="store_true", help=help)
    help = f"port of the page; 0: any free one; default: {DEFAULT_PORT}"
    watch.add_argument("--port", type=port, metavar="N", help=help)
    add_input(watch)
    add_rules(watch)


def add_rf_table(commands: Commands) -> None:
    help = "print the receptive-field calculation table"
    table = command(
        commands, "rf-table", help, "advconv rf-table mynet.yaml --format markdown", "commands:run_rf_table"
    )
    help = "a YAML file, or - for standard input; default: the shipped network c1c2c3c4"
    table.add_argument("file", nargs="?", metavar="FILE", help=help)
    table.add_argument("--explain", action="store_true", help="add the formula of each row")
    add_format(table)
    add_input(table)


def add_summary(commands: Commands) -> None:
    help = "print the layers with output shapes, parameters and MACs"
    summary = command(commands, "summary", help, "advconv summary mynet.yaml", "commands:run_summary")
    add_file(summary)
    table = summary.add_mutually_exclusive_group()
    add_format(table, (*TABLE_FORMATS, "torchsummary"))
    table.add_argument("--torchinfo", action="store_true", help="print torchinfo's own table of the built module")
    add_input(summary)


def add_report(commands: Commands) -> None:
    help = "write a report of a file, of a run, or a comparison of runs"
    example = (
        "advconv report mynet.yaml -o report.html; advconv report runs/mynet-20261121-120000 --format markdown -o "
        "hand-in; advconv report runs/mynet-*"
    )
    report = command(commands, "report", help, example, "report_command:run_report")
    report.description = (
        "Write one HTML page of a file, with the diagram, the receptive fields, the tables and the findings; of a run, "
        "also with curves, log, accuracy by class, confusion matrix, misclassified and augmented images, recipe, seed "
        "and versions; or of several runs, compared."
    )
    help = "a YAML file, or - for standard input, or one or more run directories, written by train"
    report.add_argument("paths", nargs="+", metavar="FILE|RUN", help=help)
    help = (
        "what to write; markdown: a directory with README.md and images/, or NAME.md with NAME-images/ beside it if -o "
        "names one; notebook: an .ipynb that computes everything again; both for runs only; default: html"
    )
    report.add_argument("--format", choices=REPORT_FORMATS, default=HTML, help=help)
    help = (
        "the file or directory to write; default: NAME.html, NAME-report/ or NAME.ipynb in the working directory, for "
        "NAME.yaml or the run NAME; of several runs: comparison.html or comparison-report/"
    )
    report.add_argument("-o", "--output", metavar="PATH", help=help)
    add_input(report)
    runs = report.add_argument_group("runs", "For a run that has recorded no predictions, which are then made.")
    add_data_dir(runs)
    add_device(runs)


def add_playground(commands: Commands) -> None:
    help = "write a static site in which the check runs in the browser, as one types"
    example = "advconv playground -o site && python -m http.server -d site"
    playground = command(commands, "playground", help, example, "playground_command:run_playground")
    help = "the directory to write: new, empty, or of an older playground"
    playground.add_argument("-o", "--output", required=True, metavar="DIR", help=help)
    help = "where downloaded parts are kept, and found without a network; default: ~/.cache/advconv"
    playground.add_argument("--cache", metavar="DIR", help=help)


def add_emit(commands: Commands) -> None:
    help = "print the network as the source of a torch module, or its augmentation as albumentations code"
    emit = command(commands, "emit", help, "advconv emit mynet.yaml -o model.py", "commands:run_emit")
    add_file(emit)
    help = "the torch module or the albumentations code; default: model"
    emit.add_argument("--what", choices=("model", "augment"), default="model", help=help)
    emit.add_argument("-o", "--output", metavar="FILE", help="write to a file instead of standard output")


def add_verify(commands: Commands) -> None:
    help = "compare each number of the report with torch"
    verify = command(commands, "verify", help, "advconv verify mynet.yaml", "commands:run_verify")
    add_file(verify)
    add_format(verify)
    add_input(verify)


def add_suggest(commands: Commands) -> None:
    help = "search the smallest edits that keep all constraints"
    example = "advconv suggest mynet.yaml --goal 'receptive_field > 60'"
    suggest = command(commands, "suggest", help, example, "suggest_command:run_suggest")
    add_file(suggest)
    add_limits(suggest, "--goal")
    suggest.add_argument("--most", type=natural, default=5, metavar="N", help="print at most N suggestions; default: 5")
    suggest.add_argument("--edits", type=edits, default=3, metavar="N", help="combine at most N edits; default: 3")
    suggest.add_argument("--apply", type=natural, metavar="N", help="write suggestion N into the file")
    suggest.add_argument("--diff", action="store_true", help="print the change of the file too")
    add_format(suggest, (TEXT, JSON))


def add_fit(commands: Commands) -> None:
    help = "scale the widths to the largest network that keeps all constraints"
    example = "advconv fit mynet.yaml --budget 'params < 100k'"
    fit = command(commands, "fit", help, example, "suggest_command:run_fit")
    add_file(fit)
    add_limits(fit, "--budget")
    help = "widths are multiples of this number; default: 8"
    fit.add_argument("--divisor", type=natural, default=8, metavar="N", help=help)
    fit.add_argument("--apply", action="store_true", help="write the widths into the file")
