"""exits.py STATUS COMMAND...: runs the command; succeeds when it exits with this status. lit's own shell only knows zero and not."""

import subprocess
import sys

status = subprocess.run(sys.argv[2:], stderr=subprocess.STDOUT, check=False).returncode
if status != int(sys.argv[1]):
    sys.exit(f"exits.py: expected exit status {sys.argv[1]}, got {status}")
