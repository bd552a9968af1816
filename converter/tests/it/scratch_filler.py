#!/usr/bin/env python3
"""An engine that fills its scratch file and never ends. The option `title` says with how many bytes, and whether it
tells that it works: `3000000 silent`, `3000000 telling`."""

import json
import os
import signal
import socket

channel = socket.socket(fileno=2)
line, (scratch,), _, _ = socket.recv_fds(channel, 65536, 1)
size, manner = json.loads(line)["start"]["options"]["title"].split()
os.write(scratch, bytes(int(size)))
if manner == "telling":
    channel.sendall(b'{"progress":{"done_ms":1}}\n')
signal.pause()
