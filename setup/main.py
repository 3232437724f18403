"""Entry of the set-up commands: `setup/run`, `setup/test`, `setup/bench` and the others all come here."""

import sys

from steps import cli

if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[1:]))
