"""The command line: its options and commands."""
