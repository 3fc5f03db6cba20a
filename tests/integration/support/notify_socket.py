# SPDX-License-Identifier: Apache-2.0
# A service manager's end of sd_notify(3): prints what comes, a line of JSON for each message.
import json
import socket
import sys

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
print(json.dumps('listening'), flush=True)
while True:
    print(json.dumps(manager.recv(4096).decode()), flush=True)
