"""An API before the database: healthy as long as that answers."""

import http.server
import socket
import sys


def ask_database(question):
    with socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=5) as database:
        database.sendall(question.encode())
        return database.recv(100).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            answer = ask_database("count" if self.path == "/health" else "order")
        except OSError as error:
            return self.send_error(503, f"no database: {error}")
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
