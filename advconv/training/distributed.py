"""Several processes that train one network, as torchrun starts them."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from advconv.training.errors import TrainingError, computing
from advconv.training.loader import Share
from advconv.training.peers import PeerLost, ended_by_sigterm, peers

Result = TypeVar("Result")


@contextmanager
def processes() -> Iterator[Share]:
    """This process's share of the training; of one alone where torchrun has not started it."""
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        yield Share()
        return
    has_gpus = torch.cuda.is_available()
    if has_gpus:
        torch.cuda.set_device(local_rank() % torch.cuda.device_count())
    if missing := [name for name in ("MASTER_ADDR", "MASTER_PORT") if name not in os.environ]:
        raise TrainingError(f"RANK and WORLD_SIZE are set, but not {' and '.join(missing)}; start it with torchrun")
    with ended_by_sigterm():
        with computing("the connection between the processes"):
            # What they say to each other on the way is small and goes through gloo, gradients where the network is.
            dist.init_process_group("cpu:gloo,cuda:nccl" if has_gpus else "gloo")
            share = Share(dist.get_rank(), dist.get_world_size())
            others = peers(share)
        try:
            with others:
                yield share
        except PeerLost:
            # The group is not put away: that would wait for the process that is lost.
            raise
        except BaseException:
            dist.destroy_process_group()
            raise
        dist.destroy_process_group()


def local_rank() -> int:
    return int(os.environ.get("LOCAL_RANK", "0"))


def synchronised(module: nn.Module, share: Share) -> nn.Module:
    """The module with batch norms over the pictures of all processes, which torch has on GPUs alone."""
    is_cuda = any(parameter.is_cuda for parameter in module.parameters())
    if share.of == 1 or not is_cuda:
        return module
    return nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-any-return, no-untyped-call]


def parallel(module: nn.Module, share: Share) -> nn.Module:
    """The module whose gradients are the mean over all processes."""
    return DistributedDataParallel(module) if share.of > 1 else module


EXCHANGE = "the exchange between the processes"


def any_of(flag: bool, share: Share) -> bool:
    """Whether one of the processes says so, which all must know before the next step."""
    if share.of == 1:
        return flag
    said = torch.tensor(int(flag))
    with computing(EXCHANGE):
        dist.all_reduce(said, dist.ReduceOp.MAX)
    return bool(said.item())


def mean_of(rows: torch.Tensor, share: Share) -> torch.Tensor:
    """The mean over all processes."""
    if share.of == 1:
        return rows
    with computing(EXCHANGE):
        dist.all_reduce(rows)
    return rows / share.of


class ElsewhereError(TrainingError):
    """Another process cannot go on, and has said why."""


def agreed(act: Callable[[], Result], share: Share) -> Result:
    """What this process does, once all have done theirs. Raises what it raises, or ElsewhereError for another's."""
    try:
        result = act()
    except Exception:
        any_of(True, share)
        raise
    if any_of(False, share):
        raise ElsewhereError("another process cannot go on")
    return result
