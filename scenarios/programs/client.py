"""A client: says hello, and prints the answers that it gets."""

import os
import socket
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as server:
    server.sendall(f"client {os.getpid()}".encode())
    print(server.recv(100).decode())
