"""Answers of every kind, the same bytes on any machine: no date, no version."""

import socket
import sys
import threading
import time

BODY = b"one\ntwo\n"
LINES = b"first\n\xff not UTF-8\ncr\r\n\nlast, without a newline"
REDIRECTS = {"/moved": "/one", "/loop": "/loop"}
seen = set()


def head(status, length, more=""):
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n".encode()


def answer(path, request):
    if path in REDIRECTS:
        return head("302 Found", 0, f"Location: {REDIRECTS[path]}\r\n")
    if path == "/lines":
        return head("200 OK", len(LINES)) + LINES
    if path == "/missing":
        return head("404 Not Found", 5) + b"none\n"
    if path == "/garbage":
        return b"this is no HTTP\r\n\r\n"
    if path == "/short":
        return head("200 OK", 100) + BODY
    if path == "/cookie":
        told = [line for line in request.split(b"\r\n") if line.lower().startswith((b"authorization", b"get "))]
        body = b"\n".join(told) + b"\n"
        return head("200 OK", len(body), "Set-Cookie: a=canary-set\r\nX-Two: 1\r\nX-Two: \xfc\r\n") + body
    if path == "/second-time" and path not in seen:
        seen.add(path)
        return b""
    return head("200 OK", len(BODY), "Content-Type: text/plain\r\n") + BODY


def serve(client):
    with client:
        request = client.recv(65536)
        if not request.startswith((b"GET", b"POST")):
            client.sendall(b"no TLS here\n")
            return
        path = request.split(b" ")[1].split(b"?")[0].decode()
        if path == "/slow":
            time.sleep(60)
        client.sendall(answer(path, request))


server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
