"""The command line: one file a command. Errors become one line, one hint and an exit code in ``main``."""
