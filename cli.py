"""Runs advconv from a clone: `python cli.py check archs/c1c2c3c4.yaml`."""

from advconv.__main__ import main

if __name__ == "__main__":
    main()
