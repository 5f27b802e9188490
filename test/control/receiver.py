"""Receives datagrams on the unix socket argv[1] ('@' for abstract); prints each as a JSON line."""
import json
import socket
import sys

path = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind("\0" + path[1:] if path.startswith("@") else path)
print("ready", flush=True)
while True:
    print(json.dumps(receiver.recv(65536).decode()), flush=True)
