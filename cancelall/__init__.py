"""Cancel every resting order on every venue, and prove that nothing is left."""

__version__ = "0.1.0"
