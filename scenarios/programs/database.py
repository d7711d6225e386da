"""A stand-in for a database: keeps orders in memory, and answers one question a connection."""

import socket
import sys
import time

orders = []

print("recovering", flush=True)
time.sleep(0.3)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("accepting connections", flush=True)
while True:
    client, _ = server.accept()
    with client:
        question = client.recv(100).decode()
        if question == "order":
            orders.append(time.time())
            print(f"order {len(orders)}", flush=True)
        # One who only looks whether anybody is there asks nothing, and may be gone.
        if question:
            client.sendall(str(len(orders)).encode())
