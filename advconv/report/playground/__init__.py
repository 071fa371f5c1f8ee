"""The playground: a static site in which advconv itself checks what is typed, by Pyodide."""
