"""A server that answers one request on each connection, reads the second one, and closes the connection.

`/busy` is answered 503, and `/lost` is never answered.
"""

import socket
import sys
import threading


def read_path(client):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = client.recv(4096)
        if not piece:
            return None
        head += piece
    return head.split(b" ")[1]


def serve(client):
    with client:
        path = read_path(client)
        if path is None or path == b"/lost":
            return
        status = b"503 Busy" if path == b"/busy" else b"200 OK"
        client.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\nok")
        read_path(client)


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening")
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
