"""The operating system: files, streams, signals, and how the process ends."""
