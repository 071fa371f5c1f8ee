"""The command's first step: `advconv`, `python -m advconv` and the clone's `cli.py` start here."""

from advconv.system.interrupts import catch_interrupts


def main() -> None:
    """Runs the command line; whatever its imports do is told in a line too."""
    catch_interrupts()
    from advconv.system.process import end

    end(_command)


def _command() -> int:
    import gc

    # Looking for garbage in what is imported takes a tenth of a check. `run` enables it again.
    gc.disable()
    from advconv.cli.parser import run

    return run()


if __name__ == "__main__":
    main()
