"""Stands watch, and fires: a heartbeat, a process, a kill file, a signal; connections that are warm when it counts.

It has no logic of its own for venues: what it fires is the sweep of a kill.
"""
