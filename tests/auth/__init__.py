"""The keys of a profile: into keyrings of this process, and into a real Secret Service on a bus of its own."""
