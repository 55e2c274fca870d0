"""How fast is it? Every figure comes from the embedded exchange on this machine, and every run checks its outcome."""

import sys
from pathlib import Path

# What is counted and computed on virtual time is the tests', and the documents show it.
sys.path += [str(Path(__file__).resolve().parent.parent / name) for name in ("tests", "docs")]
