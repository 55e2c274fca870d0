"""Random schedules of a kill under virtual time, judged by what really rested on the embedded exchange."""
