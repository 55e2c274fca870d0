"""`python -m cancelall`, and the console script."""

from cancelall.cli.process import run

if __name__ == "__main__":
    run()
