"""The keys of a profile: put into the OS keyring, found, taken out again, sealed for systemd. Never shown."""
