"""The pre-flight: would the kill work from this machine and this account, now? Only reads are sent, but for `--live`.

`local` looks at files, secrets and the environment, `network` at the way to the host, `venue` at key, clock and open
orders; `run` does it for all profiles at once, `evidence` remembers when it was last good. A kill loads none of it.
"""
