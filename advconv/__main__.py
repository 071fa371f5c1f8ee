"""`python -m advconv`."""

from advconv.cli import main

main()
