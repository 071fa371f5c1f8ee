"""Reports of runs: a page, a Markdown document, a notebook, and a comparison of runs."""
