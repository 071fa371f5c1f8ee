"""Options and fixtures for all tests."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# The networks are so small that a second thread costs more than it computes. Processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A golden file that differs is shown with a diff, as if the assertion stood in the test.
pytest.register_assert_rewrite("tests.golden")


def pytest_configure(config: pytest.Config) -> None:
    """Without the slow tests, a law draws a tenth of the networks."""
    if config.getoption("markexpr") == "not slow":
        settings.register_profile("fast", max_examples=10)
        settings.load_profile("fast")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: tests that wait for a process or a browser leave theirs idle."""
    return (os.cpu_count() or 1) + 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write the golden files anew")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update"))


@pytest.fixture
def short_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.training import shorten

    shorten(monkeypatch)


def made_once(name: str, make: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that the first worker that needs it makes for all; not to be written to."""
    top = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        top = top.parent
    with (top / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (top / name).exists():
            make(tmp_path_factory.mktemp(name)).rename(top / name)
    return top / name


@pytest.fixture(scope="session")
def cifar10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with CIFAR-10 as torchvision reads it."""
    from tests.training import real_images

    return made_once("cifar10", real_images, tmp_path_factory)


@pytest.fixture(scope="session")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the playground."""
    from tests.playground import built

    return made_once("playground", built, tmp_path_factory)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small runs by name, not to be written to."""
    from tests.reported import record

    return record(tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sweep, not to be written to."""
    from tests.swept import record

    return record(tmp_path_factory.mktemp("swept"))
