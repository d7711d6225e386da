"""A service that takes orders over HTTP and numbers them with the store. If the store does not answer, it tries
again for some time, and says 503 after that."""

import http.server
import socket
import sys
import time

port, store = int(sys.argv[1]), int(sys.argv[2])
PATIENCE = 2


def next_number():
    end = time.monotonic() + PATIENCE
    while True:
        try:
            left = max(end - time.monotonic(), 0.01)
            with socket.create_connection(("127.0.0.1", store), timeout=left) as connection:
                connection.sendall(b"order\n")
                answer = connection.makefile().readline()
                if answer:
                    return answer.strip()
        except OSError:
            pass
        if time.monotonic() + 0.1 >= end:
            return None
        time.sleep(0.1)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        number = next_number()
        body = b"try later\n" if number is None else f"order {number}\n".encode()
        self.send_response(503 if number is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


server = Server(("127.0.0.1", port), Handler)
print("the service listens", flush=True)
server.serve_forever()
