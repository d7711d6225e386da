"""A login and what is behind it, the same bytes on any machine: no date, no version."""

import socket
import sys
import threading

TOKEN = "canary-token-5f/7+"


def head(status, length, more=""):
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n".encode()


def answer(path, request):
    if path == "/login":
        body = f'{{"access_token": "{TOKEN}", "user": {{"id": 17, "name": "john/jane"}}}}\n'.encode()
        return head("200 OK", len(body), f"X-Also: {TOKEN}\r\nX-Region: north\r\n") + body
    told = [line for line in request.split(b"\r\n") if line.lower().startswith((b"authorization", b"get ", b"x-"))]
    body = b"\n".join(told) + b"\n"
    return head("200 OK", len(body)) + body


def serve(client):
    with client:
        request = client.recv(65536)
        path = request.split(b" ")[1].split(b"?")[0].decode()
        client.sendall(answer(path, request))


server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
