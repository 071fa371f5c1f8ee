"""The world outside: files, streams, signals, and how the process ends."""
