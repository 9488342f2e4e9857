"""``python -m leadterms`` is the command line."""

from leadterms.cli import main

if __name__ == "__main__":
    main()
