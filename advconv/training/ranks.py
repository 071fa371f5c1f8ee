"""The rank of a process among those that train one network together."""

import os
from typing import NamedTuple


class Rank(NamedTuple):
    """`rank` counts the processes from 0; a training that torchrun has not started is one process."""

    rank: int = 0
    world_size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process writes the run and prints."""
        return self.rank == 0


def local_rank() -> int:
    """The rank of this process among those of the same machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def local_world_size() -> int:
    """The number of processes on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
