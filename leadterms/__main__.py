"""``python -m leadterms`` is the command line."""

from leadterms.cli import main

main()
