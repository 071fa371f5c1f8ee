"""Who of several processes is alive; a store in memory stands for that of torch, threads for the processes."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import torch.distributed as dist

from advconv.training import peers as module
from advconv.training.distributed import process_group
from advconv.training.errors import ComputeError, TrainingError
from advconv.training.peers import PeerFailed, PeerLost, Peers, is_communication_error
from advconv.training.ranks import Rank
from tests.processes import wait_until

pytestmark = pytest.mark.slow

FAILED = ComputeError("communication between the processes failed: connection reset")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", 0.1)


@pytest.fixture
def given_up() -> list[str]:
    return []


@pytest.fixture
def three(given_up: list[str]) -> Iterator[list[Peers]]:
    store = dist.HashStore()  # type: ignore[attr-defined]
    with ExitStack() as stack:
        yield [stack.enter_context(Peers(store, Rank(rank, 3), rank == 0, given_up.append)) for rank in range(3)]


def dies(peers: Peers) -> None:
    peers.closing.set()
    peers.thread.join()


def leaves(peers: Peers, problem: BaseException | None) -> None:
    peers.__exit__(type(problem) if problem else None, problem, None)


def test_the_one_that_has_died_is_named_by_each_that_is_left(three: list[Peers]) -> None:
    wait_until(lambda: three[0].heartbeats[1] and three[2].heartbeats[1])
    dies(three[1])

    for rank in (2, 0):
        with pytest.raises(PeerLost, match=r"^rank 1 sent no heartbeat for 0\.4 s$") as caught:
            leaves(three[rank], FAILED)
        assert caught.value.__cause__ is FAILED


def test_the_one_that_has_failed_is_named_with_its_reason(three: list[Peers]) -> None:
    leaves(three[1], TrainingError("runs/x/state.pt cannot be written: No space left on device\nand more"))

    with pytest.raises(PeerLost, match=r"^rank 1 failed: runs/x/state.pt cannot be written: No space left on device$"):
        leaves(three[0], FAILED)
    # What the first one says is what the next one reads, whichever it asks.
    with pytest.raises(PeerLost, match=r"^rank 1 failed: runs/x"):
        leaves(three[2], FAILED)


def test_where_all_are_alive_a_failure_is_ones_own(three: list[Peers]) -> None:
    leaves(three[0], FAILED)


def test_one_that_hangs_is_given_up_by_the_others_and_one_that_is_done_is_not(
    three: list[Peers], given_up: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves(three[2], None)
    before = three[0].heartbeats[1]
    wait_until(lambda: three[0].heartbeats[1] > before + 2 * module.MISSED_LIMIT)
    assert given_up == []

    dies(three[1])
    wait_until(lambda: given_up)
    assert set(given_up) == {"rank 1 sent no heartbeat for 2 s"}


def chained(problem: Exception, cause: BaseException) -> Exception:
    problem.__cause__ = cause
    return problem


@pytest.mark.parametrize(
    ("problem", "is_so"),
    [
        (RuntimeError("[gloo] connection closed by peer"), True),
        (FAILED, True),
        (chained(Exception("unfinished"), FAILED), True),
        (chained(TrainingError("a damaged file"), RuntimeError("zip")), False),
        (PeerFailed("another process has failed"), False),
        (KeyboardInterrupt(), False),
        (None, False),
    ],
)
def test_what_may_come_of_another_process(problem: BaseException | None, is_so: bool) -> None:
    assert is_communication_error(problem) is is_so


def test_a_group_without_a_place_to_meet_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    monkeypatch.setenv("MASTER_PORT", "1")

    with pytest.raises(TrainingError, match="are set, but not MASTER_ADDR; start it with torchrun"), process_group():
        pass
