"""The report as one HTML page that needs nothing else: markup, drawings, style sheet and script."""
