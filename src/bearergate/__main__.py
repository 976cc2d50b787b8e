"""`python -m bearergate`: the command line. Nothing else lives here."""

from __future__ import annotations

from bearergate.cli import main

if __name__ == "__main__":
    main()
