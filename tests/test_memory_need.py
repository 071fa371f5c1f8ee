"""What a training needs is known before it begins: estimate, what there is, and the refusal with both."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import advconv
from advconv.analysis.measure import Measures
from advconv.language.recipe import Train
from advconv.training import memory_need, prepare
from advconv.training.device import Accelerator
from advconv.training.memory_need import (
    LIBRARIES,
    InsufficientMemory,
    MemoryEstimate,
    available_memory,
    check_memory,
    estimate,
)
from advconv.training.ranks import Rank
from tests.processes import called
from tests.training import command, only_run, write_arch

GB = 10**9
CPU = Accelerator(torch.device("cpu"), None, False)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("short_trainings")]


def test_an_input_that_cannot_fit_is_refused_with_both_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(memory_need, "available_memory", lambda: 16 * GB)
    file = write_arch(tmp_path / "t.yaml", input=(3, 3000, 3000))

    assert command("train", file, "--device", "cpu") == 2
    said = capsys.readouterr().err
    # Drawn shapes: 6,000 of 27 million bytes each.
    assert "162.000 GB for the images of the data set" in said
    assert "this machine has 16.000 GB available" in said
    assert "--force" in said
    assert not (tmp_path / "runs").exists()


def test_force_trains_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(memory_need, "available_memory", lambda: 1)
    file = write_arch(tmp_path / "t.yaml")
    few = ("--limit", "64", "--epochs", "1", "--workers", "0", "--device", "cpu")

    assert command("train", file, *few) == 2
    assert command("train", file, *few, "--force") == 0
    with pytest.raises(advconv.TrainingError, match="training needs about"):
        advconv.resume(only_run(tmp_path), quiet=True)
    assert advconv.resume(only_run(tmp_path), quiet=True, force=True).best_epoch == 1


def needed(measures: Measures, accelerator: Accelerator = CPU, process: Rank = Rank(), **recipe: Any) -> MemoryEstimate:  # noqa: B008
    return estimate(measures, Train(**recipe), (1000, 100), accelerator, 1, process)


def test_each_part_of_the_estimate_counts_what_it_says() -> None:
    net = advconv.load("archs/c1c2c3c4.yaml").measures
    plain, weights, image = needed(net), net.weights, 3 * 32 * 32
    (static,) = plain.device.values()
    (step,) = [sizes for stage, sizes in plain.stages.items() if "step" in stage]

    # Weights, gradients, momentum, average; AdamW has two moments, SGD without momentum none.
    assert static == 4 * weights
    assert [sum(needed(net, optimizer="adamw").device.values()), sum(needed(net, momentum=0).device.values())] == [
        5 * weights,
        3 * weights,
    ]
    assert plain.host["for the images of the data set"] == 1100 * image
    # Eight batches of 128 lie ready on a CPU.
    assert step == (8 * 128 * image, 128 * (net.memory.training + net.memory.eager + image))


def test_a_teacher_adds_its_weights_and_its_largest_maps_in_each_step() -> None:
    net, teacher = (advconv.load(f"archs/{name}.yaml").measures for name in ("c1c2c3c4", "c1c2c3c4-dilated"))
    alone = needed(net)
    beside = estimate(net, Train(), (1000, 100), CPU, 1, Rank(), teacher)
    (step,) = (stage for stage in alone.stages if "for a step" in stage)
    image = 4 * 3 * 32 * 32

    assert beside.device == alone.device | {"for the weights of the teacher": teacher.weights}
    assert beside.stages[step][1] - alone.stages[step][1] == 128 * (teacher.memory.eager + image)
    assert {stage: size for stage, size in beside.stages.items() if stage != step} == {
        stage: size for stage, size in alone.stages.items() if stage != step
    }


def test_a_smaller_batch_fewer_bits_and_more_processes_need_less() -> None:
    net = advconv.load("archs/c1c2c3c4.yaml").measures
    half = Accelerator(torch.device("cpu"), torch.bfloat16, False)
    whole = sum(needed(net, batch_size=512).on_both().values())

    for less in (
        needed(net, batch_size=256),
        needed(net, batch_size=512, process=Rank(0, 2)),
        needed(net, batch_size=512, accelerator=half),
    ):
        assert sum(less.on_both().values()) < 0.8 * whole


def test_gpu_and_host_are_held_apart_and_processes_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    need = MemoryEstimate(
        {"images": 3 * GB}, {"weights": 2 * GB}, {"a step": (1 * GB, 4 * GB), "a checkpoint": (2 * GB, 0)}
    )
    cuda = Accelerator(torch.device("cuda", 0), None, False)
    monkeypatch.setattr(memory_need, "available_memory", lambda: 9 * GB)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (6 * GB, 80 * GB))

    check_memory(need, cuda, 1)
    with pytest.raises(
        InsufficientMemory, match=r"about 10.000 GB of memory \(in each of 2 processes 3.000 GB images, 2.0"
    ):
        check_memory(need, cuda, 2)
    with pytest.raises(InsufficientMemory, match=r"about 10.000 GB of memory \(3.000 GB images, 2.000 GB weights, 5.0"):
        check_memory(need, CPU, 1)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5 * GB, 80 * GB))
    with pytest.raises(InsufficientMemory, match=r"cuda:0 has 5\.000 GB available"):
        check_memory(need, cuda, 1)


def files(root: Path, **contents: str) -> Path:
    for name, content in contents.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


MACHINE = {"proc__meminfo": "MemTotal: 9000 kB\nMemAvailable:    8000 kB\n"}


def test_available_is_the_least_of_machine_and_control_groups(tmp_path: Path) -> None:
    machine = files(tmp_path / "a", **MACHINE)
    assert available_memory(machine) == 8_192_000
    for name, content in {
        "proc/self/cgroup": "0::/user/job\n",
        "sys/fs/cgroup/user/job/memory.max": "max\n",
        "sys/fs/cgroup/user/memory.max": "5000000\n",
        "sys/fs/cgroup/user/memory.current": "3000000\n",
        "sys/fs/cgroup/user/memory.stat": "anon 1\ninactive_file 1000000\n",
    }.items():
        files(machine, **{name: content})
    # The limit stands at the group above; pages of files that can be dropped do not count.
    assert available_memory(machine) == 3_000_000


def test_the_first_version_of_control_groups_counts_too(tmp_path: Path) -> None:
    """In a container the path of the group is that of the host, and the limit lies at the top."""
    group = {
        "proc/self/cgroup": "4:cpu:/x\n3:memory:/docker/abc\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "4000000\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "5000000\n",
        "sys/fs/cgroup/memory/memory.stat": "total_inactive_file 0\n",
    }

    assert available_memory(files(tmp_path, **MACHINE, **group)) == 0


def test_without_linux_it_is_all_the_memory_there_is(tmp_path: Path) -> None:
    assert (available_memory(tmp_path) or 0) > GB


def status(key: str) -> int:
    """Bytes of this process."""
    (found,) = re.findall(rf"{key}:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    return 1024 * int(found)


def estimated_and_peak(directory: Path, file: str) -> tuple[int, int]:
    """What a training is estimated to need, and how much more this process had at most than before."""
    before, estimated = 0, 0

    def note(need: MemoryEstimate, accelerator: Accelerator, processes: int) -> None:
        nonlocal before, estimated
        before, estimated = status("VmRSS"), sum(need.on_both().values())

    pytest.MonkeyPatch().setattr(prepare, "check_memory", note)
    os.chdir(directory)
    assert command("train", file, "--quiet", "--device", "cpu", "--workers", "0", "--limit", "256") == 0
    return estimated, status("VmHWM") - before


linux = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak memory of a process is read from /proc"
)


@linux
def test_what_libraries_need_is_that_of_a_new_process_within_a_factor_of_2(tmp_path: Path) -> None:
    smallest = write_arch(tmp_path / "s.yaml", rows=["gap", "linear"], train={"epochs": 1}, input=(3, 32, 32))
    code = f"from tests.test_memory_need import *\nprint(*estimated_and_peak(Path({str(tmp_path)!r}), {smallest!r}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    estimated, peak = (int(size) for size in found.stdout.split()[-2:])

    assert 0.8 * estimated < LIBRARIES
    assert 0.5 < estimated / peak < 2


@linux
@pytest.mark.parametrize(
    ("rows", "train"),
    [
        ([{"conv": 32}, {"conv": 32}, {"conv": 32}, "gap", "linear"], {"batch_size": 256}),
        ([{"conv": 8}, "flatten", {"linear": 2500}, {"linear": 2000}, "linear"], {"optimizer": "adamw", "lr": 0.001}),
    ],
    ids=["activations", "weights"],
)
def test_the_estimate_is_that_of_a_real_run_within_a_factor_of_2(
    tmp_path: Path, rows: list[Any], train: dict[str, Any]
) -> None:
    """Of what it needs more than a very small network, for which most memory is that of LIBRARIES."""
    smallest = write_arch(
        tmp_path / "s.yaml", rows=["gap", "linear"], train={"epochs": 1}, input=(3, 32, 32), augment=[]
    )
    file = write_arch(tmp_path / "t.yaml", rows=rows, train=train | {"epochs": 1}, input=(3, 32, 32), augment=[])
    (least, least_peak), (estimated, peak) = (called(estimated_and_peak, tmp_path, each) for each in (smallest, file))

    assert 0.5 < (estimated - least) / (peak - least_peak) < 2
