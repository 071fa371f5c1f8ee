"""The commands that train a network, use a trained one, or measure one with torch, and their options."""

import argparse

from advconv.cli.option_types import (
    exported_file,
    figure_file,
    image_count,
    integer,
    limit,
    natural,
    percent,
    real,
    seconds,
    seed,
    seed_list,
    seeds,
    title,
    workers,
)
from advconv.cli.shared_options import (
    Commands,
    add_data_dir,
    add_device,
    add_file,
    add_format,
    add_input,
    add_previous,
    add_run,
    command,
)
from advconv.language.data_sets import SETS
from advconv.report.formats import TABLE_FORMATS, TEXT
from advconv.training.names import COMPILE_CHOICES, FIGURE_SUFFIXES, NOISE, WEIGHT_FILES
from advconv.values.names import ONNX_SUFFIX, WEIGHTS_SUFFIX


def add_train(commands: Commands) -> None:
    help = "check a network, train it and report whether it reaches the promised accuracy"
    train = command(commands, "train", help, "advconv train mynet.yaml --epochs 10", "train_command:run_train")
    add_file(train, nargs="?")
    help = "resume an interrupted run; with --epochs N train it longer"
    train.add_argument("--resume", metavar="RUN", help=help)
    help = "start from the weights of a run or of a safetensors file, wherever they fit"
    train.add_argument("--weights", dest="weights_from", metavar="RUN|FILE", help=help)
    add_previous(train)
    help = "train even if constraints fail, memory may not suffice or few weights fit"
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
    add_data_dir(run_options)
    run_options.add_argument("--limit", type=limit, metavar="N", help="use only the first N images")
    run_options.add_argument("--until", type=percent, metavar="PERCENT", help="stop when this accuracy is reached")
    add_device(run_options)
    help = "processes that load images; 0: load in the training process"
    run_options.add_argument("--workers", type=workers, metavar="N", help=help)
    run_options.add_argument("--compile", choices=COMPILE_CHOICES, help="use torch.compile; auto: on CUDA only")
    run_options.add_argument("--tensorboard", action="store_true", help="also write TensorBoard event files")
    run_options.add_argument("--quiet", action="store_true", help="print only the result")


def add_sweep(commands: Commands) -> None:
    help = "train all combinations of some values with several seeds, and compare their mean and spread"
    example = (
        "advconv sweep mynet.yaml --set train.lr=0.05,0.1,0.2 --seeds 0,1,2 --val-split 5000; "
        "advconv sweep --resume runs/mynet-sweep-20261121-120000"
    )
    sweep = command(commands, "sweep", help, example, "sweep_command:run_sweep")
    add_file(sweep, nargs="?")
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


def add_compare(commands: Commands) -> None:
    help = "print a table of runs: results, sizes, and the settings that differ"
    example = "advconv compare runs/mynet-*; advconv compare runs/mynet-sweep-20261121-120000 --format csv"
    compare = command(commands, "compare", help, example, "compare_command:run_compare")
    help = "run directories, written by train, or those of sweeps, which stand for their runs"
    compare.add_argument("runs", nargs="+", metavar="RUN", help=help)
    add_format(compare)


def add_evaluate(commands: Commands) -> None:
    help = "evaluate a trained network on the test set, overall and per class"
    evaluate = command(
        commands, "evaluate", help, "advconv evaluate runs/mynet-20261121-120000", "run_commands:run_evaluate"
    )
    add_run(evaluate)
    help = "average the predictions of each image and its mirror image"
    evaluate.add_argument("--flip", action="store_true", help=help)
    add_format(evaluate)
    add_data_dir(evaluate)
    add_device(evaluate)


def add_predict(commands: Commands) -> None:
    help = "predict the classes of image files with a trained network"
    example = "advconv predict runs/mynet-20261121-120000 cat.png --top 1"
    predict = command(commands, "predict", help, example, "run_commands:run_predict")
    add_run(predict)
    predict.add_argument("images", nargs="+", metavar="IMAGE", help="image files")
    help = "print the N most probable classes; default: 3"
    predict.add_argument("--top", type=natural, default=3, metavar="N", help=help)
    add_format(predict)


def add_export(commands: Commands) -> None:
    help = "export a trained network to ONNX and compare it with torch, or write its weights for its YAML file"
    example = "advconv export runs/mynet-20261121-120000 -o model.onnx; advconv export RUN -o mynet.safetensors"
    export = command(commands, "export", help, example, "run_commands:run_export")
    add_run(export)
    help = f"the file to write: {ONNX_SUFFIX}, or {WEIGHTS_SUFFIX} for the weights beside FILE.yaml"
    export.add_argument("-o", "--output", required=True, type=exported_file, metavar="FILE", help=help)
    help = "input of the ONNX model: bytes (0 to 255, normalised inside) or normalised images; default: bytes"
    export.add_argument("--int8", action="store_true", help="weights and activations in 8 bits; compares the accuracy")
    export.add_argument("--takes", choices=("bytes", "normalised"), help=help)
    add_data_dir(export)


def add_erf(commands: Commands) -> None:
    help = "measure the effective receptive field: the gradient of the middle of the last map over the image"
    erf = command(commands, "erf", help, "advconv erf mynet.yaml -o erf.png", "erf_command:run_erf")
    help = "a YAML file, - for standard input, or a run directory, which is measured before and after its training"
    erf.add_argument("path", metavar="FILE|RUN", help=help)
    help = f"draw it too, as a file that ends in {', '.join(FIGURE_SUFFIXES)}"
    erf.add_argument("-o", "--output", type=figure_file, metavar="FILE.png", help=help)
    erf.add_argument("--images", type=image_count, default=16, metavar="N", help="average over N images; default: 16")
    help = (
        f"images: {NOISE}, or the test images of {', '.join(SETS)}; default: {NOISE} for a FILE, of a RUN its own set"
    )
    erf.add_argument("--data", choices=(NOISE, *SETS), metavar="SET", help=help)
    add_data_dir(erf)
    add_format(erf)
    of_file = erf.add_argument_group("for a FILE")
    of_file.add_argument("--seed", type=seed, metavar="N", help="first seed; default: that of the file")
    help = "before and after training, with the weights beside the file"
    of_file.add_argument("--trained", action="store_true", help=help)
    of_file.add_argument("--seeds", type=seeds, metavar="N", help="average over N initialisations; default: 10")
    add_input(of_file)
    of_run = erf.add_argument_group("for a RUN")
    help = "weights of the last or of the best epoch; default: last"
    of_run.add_argument("--weights", choices=tuple(WEIGHT_FILES), help=help)
    add_previous(of_run)


def add_bench(commands: Commands) -> None:
    help = "measure the time that a network takes for images on this machine"
    bench = command(commands, "bench", help, "advconv bench mynet.yaml", "bench_command:run_bench")
    add_file(bench)
    add_format(bench)
    add_input(bench)
    add_device(bench)
    help = "images in a batch; repeatable; default: 1 and 128"
    bench.add_argument("--batch", type=natural, action="append", metavar="N", help=help)
    help = "seconds for each measurement; default: 1"
    bench.add_argument("--seconds", type=seconds, default=1.0, metavar="S", help=help)
