"""Runs a command on a pseudo terminal: waits for a text, types an answer, prints all that the terminal showed."""

import os
import pty
import sys

text, answer, *command = sys.argv[1:]
process, terminal = pty.fork()
if process == 0:
    os.execvp(command[0], command)
shown = b""
asked = False
while True:
    try:
        chunk = os.read(terminal, 4096)
    except OSError:  # Linux reports the end of the process so
        break
    if not chunk:
        break
    shown += chunk
    if not asked and text.encode() in shown:
        asked = True
        os.write(terminal, answer.encode())
_, status = os.waitpid(process, 0)
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
