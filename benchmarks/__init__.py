"""How fast is it? Every figure comes from the embedded exchange on this machine, and every run checks its outcome."""
