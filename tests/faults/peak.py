"""Run a command and write its peak memory, in kB, to a file. A process of its own: a child's peak includes the moment
between fork and exec, when it is as large as its parent, and this parent is small.
"""

import os
import resource
import subprocess
import sys

if __name__ == "__main__":
    code = subprocess.run(sys.argv[2:], check=False).returncode
    with open(sys.argv[1], "w", encoding="ascii") as stream:  # noqa: PTH123 - pathlib would make it larger
        stream.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
    os._exit(code)
