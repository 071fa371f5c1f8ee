"""The names of the formats of output, for the command line, which imports no report for them."""

TABLE_FORMATS = ("text", "markdown", "csv", "json")

CHECK_FORMATS = TEXT, JSON, GITHUB, SARIF = ("text", "json", "github", "sarif")

REPORT_FORMATS = HTML, MARKDOWN, NOTEBOOK = ("html", "markdown", "notebook")
