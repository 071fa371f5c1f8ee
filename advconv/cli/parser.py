"""The commands and their options, with the path of the function that each command runs."""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from advconv.cli.option_types import (
    codes,
    edits,
    figure_file,
    image_count,
    image_shape,
    integer,
    limit,
    natural,
    onnx_file,
    percent,
    port,
    real,
    seconds,
    seed,
    seed_list,
    seeds,
    title,
    workers,
)
from advconv.language.data_sets import SETS
from advconv.language.starters import DEFAULT, TEMPLATES
from advconv.report.formats import CHECK_FORMATS, HTML, JSON, REPORT_FORMATS, TABLE_FORMATS, TEXT
from advconv.system.console import in_a_line, print_text
from advconv.training.names import COMPILE_CHOICES, FIGURE_SUFFIXES, NOISE, WEIGHT_FILES

Command: TypeAlias = Callable[[argparse.Namespace], int]
"""The function of a command, from its options to the exit code."""

DEFAULT_PORT = 8321
"""Of `watch --page`."""

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


class Parser(argparse.ArgumentParser):
    """A parser whose error messages are escaped like all others, and whose help fails if it cannot be written."""

    def error(self, message: str) -> NoReturn:
        super().error(in_a_line(message))

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        # Argparse ignores errors of writing.
        (sys.stdout if file is None else file).write(self.format_help())


def parser() -> argparse.ArgumentParser:
    top: argparse.ArgumentParser = Parser(
        prog="advconv",
        description="Reads convolutional networks from YAML, measures them and checks their constraints.",
        epilog="example: advconv new mynet && advconv check mynet.yaml",
    )
    top.add_argument("--version", action=Version, nargs=0, help="print the version and exit")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_check(commands)
    _add_watch(commands)
    _add_rf_table(commands)
    _add_summary(commands)
    _add_report(commands)
    _add_emit(commands)
    _add_verify(commands)
    _add_erf(commands)
    _add_suggest(commands)
    _add_fit(commands)
    _add_train(commands)
    _add_sweep(commands)
    _add_compare(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    _add_export(commands)
    _add_bench(commands)
    _add_new(commands)
    _add_explain(commands)
    _add_schema(commands)
    _add_completion(commands)
    return top


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _command(commands: Commands, name: str, help: str, example: str, run: str) -> argparse.ArgumentParser:
    added = commands.add_parser(name, help=help, description=f"{help}.", epilog=f"example: {example}")
    added.set_defaults(run=run)
    return added


def _add_check(commands: Commands) -> None:
    help = "measure networks and check their constraints"
    check = _command(commands, "check", help, "advconv check mynet.yaml --input 3,64,64", "check_command:run_check")
    help = "YAML files, directories with architectures, or - for standard input"
    check.add_argument("files", nargs="+", metavar="FILE", help=help)
    help = "apply the fixes of rules that change no number that the constraints judge"
    check.add_argument("--fix", action="store_true", help=help)
    _add_format(check, CHECK_FORMATS)
    _add_input(check)
    _add_rules(check)


def _add_watch(commands: Commands) -> None:
    help = "check files each time that they are saved"
    watch = _command(commands, "watch", help, "advconv watch mynet.yaml --page", "watch_command:run_watch")
    help = "YAML files; one that does not exist yet is waited for"
    watch.add_argument("files", nargs="+", metavar="FILE", help=help)
    help = "serve the page of `advconv report` too, on this machine only; a browser reloads it at each change"
    watch.add_argument("--page", action="store_true", help=help)
    help = f"port of the page; 0: any free one; default: {DEFAULT_PORT}"
    watch.add_argument("--port", type=port, metavar="N", help=help)
    _add_input(watch)
    _add_rules(watch)


def _add_rules(command: argparse.ArgumentParser) -> None:
    rules = command.add_argument_group("rules", "Each overrides its key in the table [tool.advconv] of pyproject.toml.")
    help = "report only these warnings and information: codes such as AC301, or beginnings such as AC3"
    rules.add_argument("--select", type=codes, action="extend", metavar="CODES", help=help)
    help = "do not report these warnings and information"
    rules.add_argument("--ignore", type=codes, action="extend", metavar="CODES", help=help)
    help = "exit with 1 if there are warnings"
    rules.add_argument("--strict", action=argparse.BooleanOptionalAction, help=help)


def _add_rf_table(commands: Commands) -> None:
    help = "print the receptive-field calculation table"
    table = _command(
        commands, "rf-table", help, "advconv rf-table mynet.yaml --format markdown", "commands:run_rf_table"
    )
    help = "a YAML file, or - for standard input; default: the shipped network c1c2c3c4"
    table.add_argument("file", nargs="?", metavar="FILE", help=help)
    table.add_argument("--explain", action="store_true", help="add the formula of each row")
    _add_format(table)
    _add_input(table)


def _add_summary(commands: Commands) -> None:
    help = "print the layers with output shapes, parameters and MACs"
    summary = _command(commands, "summary", help, "advconv summary mynet.yaml", "commands:run_summary")
    _add_file(summary)
    table = summary.add_mutually_exclusive_group()
    _add_format(table, (*TABLE_FORMATS, "torchsummary"))
    table.add_argument("--torchinfo", action="store_true", help="print torchinfo's own table of the built module")
    _add_input(summary)


def _add_report(commands: Commands) -> None:
    help = "write a report of a file, of a run, or a comparison of runs"
    example = (
        "advconv report mynet.yaml -o report.html; advconv report runs/mynet-20261121-120000 --format markdown -o "
        "hand-in; advconv report runs/mynet-*"
    )
    report = _command(commands, "report", help, example, "report_command:run_report")
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
    _add_input(report)
    runs = report.add_argument_group("runs", "For a run that has recorded no predictions, which are then made.")
    _add_data_dir(runs)
    _add_device(runs)


def _add_emit(commands: Commands) -> None:
    help = "print the network as the source of a torch module, or its augmentation as albumentations code"
    emit = _command(commands, "emit", help, "advconv emit mynet.yaml -o model.py", "commands:run_emit")
    _add_file(emit)
    help = "the torch module or the albumentations code; default: model"
    emit.add_argument("--what", choices=("model", "augment"), default="model", help=help)
    emit.add_argument("-o", "--output", metavar="FILE", help="write to a file instead of standard output")


def _add_verify(commands: Commands) -> None:
    help = "compare each number of the report with torch"
    verify = _command(commands, "verify", help, "advconv verify mynet.yaml", "commands:run_verify")
    _add_file(verify)
    _add_format(verify)
    _add_input(verify)


def _add_bench(commands: Commands) -> None:
    help = "measure the time that a network takes for images on this machine"
    bench = _command(commands, "bench", help, "advconv bench mynet.yaml", "bench_command:run_bench")
    _add_file(bench)
    _add_format(bench)
    _add_input(bench)
    _add_device(bench)
    help = "images in a batch; repeatable; default: 1 and 128"
    bench.add_argument("--batch", type=natural, action="append", metavar="N", help=help)
    help = "seconds for each measurement; default: 1"
    bench.add_argument("--seconds", type=seconds, default=1.0, metavar="S", help=help)


def _add_erf(commands: Commands) -> None:
    help = "measure the effective receptive field: the gradient of the middle of the last map over the image"
    erf = _command(commands, "erf", help, "advconv erf mynet.yaml -o erf.png", "erf_command:run_erf")
    help = "a YAML file, - for standard input, or a run directory, which is measured before and after its training"
    erf.add_argument("path", metavar="FILE|RUN", help=help)
    help = f"draw it too, as a file that ends in {', '.join(FIGURE_SUFFIXES)}"
    erf.add_argument("-o", "--output", type=figure_file, metavar="FILE.png", help=help)
    erf.add_argument("--images", type=image_count, default=16, metavar="N", help="average over N images; default: 16")
    help = (
        f"images: {NOISE}, or the test images of {', '.join(SETS)}; default: {NOISE} for a FILE, of a RUN its own set"
    )
    erf.add_argument("--data", choices=(NOISE, *SETS), metavar="SET", help=help)
    _add_data_dir(erf)
    _add_format(erf)
    of_file = erf.add_argument_group("for a FILE")
    of_file.add_argument("--seed", type=seed, metavar="N", help="first seed; default: that of the file")
    of_file.add_argument("--seeds", type=seeds, metavar="N", help="average over N initialisations; default: 10")
    _add_input(of_file)
    of_run = erf.add_argument_group("for a RUN")
    help = "weights of the last or of the best epoch; default: last"
    of_run.add_argument("--weights", choices=tuple(WEIGHT_FILES), help=help)
    _add_previous(of_run)


def _add_suggest(commands: Commands) -> None:
    help = "search the smallest edits that keep all constraints"
    example = "advconv suggest mynet.yaml --goal 'receptive_field > 60'"
    suggest = _command(commands, "suggest", help, example, "suggest_command:run_suggest")
    _add_file(suggest)
    _add_limits(suggest, "--goal")
    suggest.add_argument("--most", type=natural, default=5, metavar="N", help="print at most N suggestions; default: 5")
    suggest.add_argument("--edits", type=edits, default=3, metavar="N", help="combine at most N edits; default: 3")
    suggest.add_argument("--apply", type=natural, metavar="N", help="write suggestion N into the file")
    suggest.add_argument("--diff", action="store_true", help="print the change of the file too")
    _add_format(suggest, (TEXT, JSON))


def _add_limits(command: argparse.ArgumentParser, option: str) -> None:
    help = "a further constraint, such as 'params < 100k'; repeatable"
    command.add_argument(option, action="append", default=[], metavar="LIMIT", help=help)


def _add_fit(commands: Commands) -> None:
    help = "scale the widths to the largest network that keeps all constraints"
    example = "advconv fit mynet.yaml --budget 'params < 100k'"
    fit = _command(commands, "fit", help, example, "suggest_command:run_fit")
    _add_file(fit)
    _add_limits(fit, "--budget")
    help = "widths are multiples of this number; default: 8"
    fit.add_argument("--divisor", type=natural, default=8, metavar="N", help=help)
    fit.add_argument("--apply", action="store_true", help="write the widths into the file")


def _add_train(commands: Commands) -> None:
    help = "check a network, train it and report whether it reaches the promised accuracy"
    train = _command(commands, "train", help, "advconv train mynet.yaml --epochs 10", "train_command:run_train")
    _add_file(train, nargs="?")
    train.add_argument("--resume", metavar="RUN", help="resume an interrupted run")
    _add_previous(train)
    help = "train even if constraints fail or memory may not suffice"
    train.add_argument("--force", action="store_true", help=help)
    fields = train.add_argument_group("override the file")
    _add_field_options(fields)
    fields.add_argument("--seed", type=integer, metavar="N", help="seed of the random numbers")
    help = "any field: train.mixup=0.2, C1[0].out_channels=24"
    fields.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help=help)
    run_options = train.add_argument_group("run options")
    help = "name of the run directory; default: the network's name"
    run_options.add_argument("--name", type=title, metavar="NAME", help=help)
    _add_run_options(run_options)


def _add_field_options(fields: argparse._ActionsContainer) -> None:
    fields.add_argument("--data", metavar="SET", help=f"data set: {', '.join(SETS)}")
    fields.add_argument("--epochs", type=integer, metavar="N", help="number of epochs")
    fields.add_argument("--batch-size", type=integer, metavar="N", help="global batch size (all processes)")
    fields.add_argument("--lr", type=real, metavar="RATE", help="peak learning rate")
    fields.add_argument("--val-split", type=integer, metavar="N", help="training images held out for validation")


def _add_run_options(run_options: argparse._ActionsContainer) -> None:
    _add_data_dir(run_options)
    run_options.add_argument("--limit", type=limit, metavar="N", help="use only the first N images")
    run_options.add_argument("--until", type=percent, metavar="PERCENT", help="stop when this accuracy is reached")
    _add_device(run_options)
    help = "processes that load images; 0: load in the training process"
    run_options.add_argument("--workers", type=workers, metavar="N", help=help)
    run_options.add_argument("--compile", choices=COMPILE_CHOICES, help="use torch.compile; auto: on CUDA only")
    run_options.add_argument("--tensorboard", action="store_true", help="also write TensorBoard event files")
    run_options.add_argument("--quiet", action="store_true", help="print only the result")


def _add_sweep(commands: Commands) -> None:
    help = "train all combinations of some values with several seeds, and compare their mean and spread"
    example = (
        "advconv sweep mynet.yaml --set train.lr=0.05,0.1,0.2 --seeds 0,1,2 --val-split 5000; "
        "advconv sweep --resume runs/mynet-sweep-20261121-120000"
    )
    sweep = _command(commands, "sweep", help, example, "sweep_command:run_sweep")
    _add_file(sweep, nargs="?")
    help = "resume an interrupted sweep: finished trials are kept, an interrupted one is resumed, the rest is started"
    sweep.add_argument("--resume", dest="sweep_path", metavar="SWEEP", help=help)
    help = "train even if constraints fail or memory may not suffice"
    sweep.add_argument("--force", action="store_true", help=help)
    varied = sweep.add_argument_group("what is varied")
    help = (
        "values of any field, as in a YAML list: train.lr=0.1,0.2, 'augment=[],[HorizontalFlip]'; repeatable, for all "
        "combinations; a single value is the same in all trainings"
    )
    varied.add_argument("--set", action="append", default=[], metavar="PATH=VALUE,VALUE", help=help)
    help = "seeds that each combination is trained with; default: that of the file"
    varied.add_argument("--seeds", type=seed_list, metavar="N,N", help=help)
    _add_field_options(sweep.add_argument_group("override the file, the same in all trainings"))
    run_options = sweep.add_argument_group("run options")
    help = "name of the sweep's directory, NAME-sweep-TIME; default: the network's name"
    run_options.add_argument("--name", type=title, metavar="NAME", help=help)
    _add_run_options(run_options)
    help = "format of the table; default: text, with a line for each epoch before it unless --quiet is given"
    run_options.add_argument("--format", choices=TABLE_FORMATS, default=TEXT, help=help)


def _add_compare(commands: Commands) -> None:
    help = "print a table of runs: results, sizes, and the settings that differ"
    example = "advconv compare runs/mynet-*; advconv compare runs/mynet-sweep-20261121-120000 --format csv"
    compare = _command(commands, "compare", help, example, "compare_command:run_compare")
    help = "run directories, written by train, or those of sweeps, which stand for their runs"
    compare.add_argument("runs", nargs="+", metavar="RUN", help=help)
    _add_format(compare)


def _add_evaluate(commands: Commands) -> None:
    help = "evaluate a run's weights on the test set, overall and per class"
    evaluate = _command(
        commands, "evaluate", help, "advconv evaluate runs/mynet-20261121-120000", "run_commands:run_evaluate"
    )
    _add_run(evaluate)
    help = "average the predictions of each image and its mirror image"
    evaluate.add_argument("--flip", action="store_true", help=help)
    _add_format(evaluate)
    _add_data_dir(evaluate)
    _add_device(evaluate)


def _add_predict(commands: Commands) -> None:
    help = "predict the classes of image files with a run's network"
    example = "advconv predict runs/mynet-20261121-120000 cat.png --top 1"
    predict = _command(commands, "predict", help, example, "run_commands:run_predict")
    _add_run(predict)
    predict.add_argument("images", nargs="+", metavar="IMAGE", help="image files")
    help = "print the N most probable classes; default: 3"
    predict.add_argument("--top", type=natural, default=3, metavar="N", help=help)
    _add_format(predict)


def _add_export(commands: Commands) -> None:
    help = "export a run's network to ONNX and compare it with torch on test images"
    example = "advconv export runs/mynet-20261121-120000 -o model.onnx"
    export = _command(commands, "export", help, example, "run_commands:run_export")
    _add_run(export)
    export.add_argument("-o", "--output", required=True, type=onnx_file, metavar="FILE.onnx", help="the file to write")
    help = "input of the ONNX model: bytes (0 to 255, normalised inside) or normalised images; default: bytes"
    export.add_argument("--int8", action="store_true", help="weights and activations in 8 bits; compares the accuracy")
    export.add_argument("--takes", choices=("bytes", "normalised"), default="bytes", help=help)
    _add_data_dir(export)


def _add_run(command: argparse.ArgumentParser) -> None:
    command.add_argument("run_path", metavar="RUN", help="run directory, written by train")
    help = "weights of the last or of the best epoch; default: last"
    command.add_argument("--weights", choices=tuple(WEIGHT_FILES), default="last", help=help)
    _add_previous(command)


def _add_previous(command: argparse._ActionsContainer) -> None:
    help = "use the checkpoint before the newest one, if that is damaged"
    command.add_argument("--previous", action="store_true", help=help)


def _add_data_dir(command: argparse._ActionsContainer) -> None:
    help = "data set directory; default: $ADVCONV_DATA, else that of the run, else data/"
    command.add_argument("--data-dir", metavar="DIR", help=help)


def _add_device(command: argparse._ActionsContainer) -> None:
    help = "cpu, cuda, cuda:1 or mps; default: that of the run, else the best available"
    command.add_argument("--device", metavar="NAME", help=help)


def _add_new(commands: Commands) -> None:
    new = _command(commands, "new", "write a commented starter file", "advconv new mynet", "commands:run_new")
    new.add_argument("name", metavar="NAME", help="name of the architecture; writes NAME.yaml")
    new.add_argument("--template", choices=TEMPLATES, default=DEFAULT, help=f"starter to write; default: {DEFAULT}")


def _add_explain(commands: Commands) -> None:
    help = "explain a diagnostic code, a block, a field, a constraint or an analysis"
    explain = _command(commands, "explain", help, "advconv explain dwsep", "commands:run_explain")
    explain.add_argument("topic", nargs="?", metavar="TOPIC", help="a code or a name; default: list all topics")


def _add_schema(commands: Commands) -> None:
    help = "print the JSON Schema of architecture files"
    _command(commands, "schema", help, "advconv schema > advconv.schema.json", "commands:run_schema")


def _add_completion(commands: Commands) -> None:
    help = "print a completion script for a shell"
    completion = _command(commands, "completion", help, 'eval "$(advconv completion bash)"', "commands:run_completion")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell to complete in")


def _add_file(command: argparse.ArgumentParser, nargs: str | None = None) -> None:
    command.add_argument("file", nargs=nargs, metavar="FILE", help="a YAML file, or - for standard input")


def _add_format(command: argparse._ActionsContainer, formats: tuple[str, ...] = TABLE_FORMATS) -> None:
    command.add_argument("--format", choices=formats, default="text", help="output format; default: text")


def _add_input(command: argparse._ActionsContainer) -> None:
    command.add_argument("--input", type=image_shape, metavar="C,H,W", help="input shape instead of the file's")


class Version(argparse.Action):
    """Asks for the version when it is wanted, which costs too much at every start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            text = version("advconv")
        except PackageNotFoundError:
            text = "(not installed)"
        print_text(f"advconv {text}")
        parser.exit()
