"""Reports of measurements and diagnostics, as text and for programs."""
