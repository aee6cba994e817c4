"""terminal.py COMMAND...: what the command writes to a terminal, a line each time it begins the line anew."""

import os
import pty
import subprocess
import sys

ours, theirs = pty.openpty()
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
os.close(theirs)
written = b""
try:
    while data := os.read(ours, 4096):
        written += data
except OSError:  # how Linux says that nobody has the terminal open any more
    pass
print(written.decode().replace("\r", "\n").replace("\x1b[K", ""))
sys.exit(process.wait())
