"""Distributed data parallel training by the processes that torchrun starts."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from advconv.training.errors import TrainingError, computing
from advconv.training.peers import PeerFailed, PeerLost, connect_peers, exit_on_sigterm
from advconv.training.ranks import Rank, local_rank

Result = TypeVar("Result")


@contextmanager
def process_group() -> Iterator[Rank]:
    """Joins the process group of torchrun, if there is one. Raises TrainingError, and PeerLost for another process."""
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        yield Rank()
        return
    has_gpus = torch.cuda.is_available()
    if has_gpus:
        torch.cuda.set_device(local_rank() % torch.cuda.device_count())
    if missing := [name for name in ("MASTER_ADDR", "MASTER_PORT") if name not in os.environ]:
        raise TrainingError(f"RANK and WORLD_SIZE are set, but not {' and '.join(missing)}; start it with torchrun")
    with exit_on_sigterm():
        with computing("the connection between the processes"):
            # Flags and metrics are small and go through gloo, gradients through the backend of the device.
            dist.init_process_group("cpu:gloo,cuda:nccl" if has_gpus else "gloo")
            process = Rank(dist.get_rank(), dist.get_world_size())
            peers = connect_peers(process)
        try:
            with peers:
                yield process
        except PeerLost:
            # Destroying the group would wait for the process that is lost.
            raise
        except BaseException:
            dist.destroy_process_group()
            raise
        dist.destroy_process_group()


def sync_batch_norm(module: nn.Module, process: Rank) -> nn.Module:
    """The module with batch norms over the images of all processes, which torch has for GPUs only."""
    is_cuda = any(parameter.is_cuda for parameter in module.parameters())
    if process.world_size == 1 or not is_cuda:
        return module
    return nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-any-return, no-untyped-call]


def data_parallel(module: nn.Module, process: Rank) -> nn.Module:
    """The module whose gradients are averaged over all processes."""
    return DistributedDataParallel(module) if process.world_size > 1 else module


COMMUNICATION = "communication between the processes"


def any_rank(flag: bool, process: Rank) -> bool:
    """Whether the flag is set in any process. All processes must call this at the same point."""
    if process.world_size == 1:
        return flag
    reduced = torch.tensor(int(flag))
    with computing(COMMUNICATION):
        dist.all_reduce(reduced, dist.ReduceOp.MAX)
    return bool(reduced.item())


def same_on_all_ranks(digest: bytes, process: Rank) -> bool:
    """Whether all processes have the same bytes, as many in each. All processes must call this at the same point."""
    if process.world_size == 1:
        return True
    largest = torch.tensor(list(digest))
    with computing(COMMUNICATION):
        dist.all_reduce(largest, dist.ReduceOp.MAX)
    return not any_rank(bytes(largest.tolist()) != digest, process)


def mean_over_ranks(values: Tensor, process: Rank) -> Tensor:
    """The mean over all processes. All processes must call this at the same point."""
    if process.world_size == 1:
        return values
    with computing(COMMUNICATION):
        dist.all_reduce(values)
    return values / process.world_size


def run_on_all_ranks(act: Callable[[], Result], process: Rank) -> Result:
    """Runs a function in every process and waits for the others. Raises what it raises, or PeerFailed for another."""
    try:
        result = act()
    except Exception:
        any_rank(True, process)
        raise
    if any_rank(False, process):
        raise PeerFailed("another process has failed")
    return result
