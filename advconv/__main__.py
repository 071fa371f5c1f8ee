"""The entry point of `advconv`, `python -m advconv` and the clone's `cli.py`."""

from advconv.system.interrupts import catch_interrupts


def main() -> None:
    """Runs the command line; errors while importing it are reported on one line too."""
    catch_interrupts()
    from advconv.system.process import end

    end(_command)


def _command() -> int:
    import gc

    # Garbage collection during imports takes a tenth of a check. `run` enables it again.
    gc.disable()
    from advconv.cli.main import run

    return run()


if __name__ == "__main__":
    main()
