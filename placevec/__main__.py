"""`python -m placevec` is the command line."""

from placevec.cli import main

if __name__ == "__main__":
    main()
