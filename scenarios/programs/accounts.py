"""A small API with a login: the right password gives a token, and a token shows the orders of its owner."""

import http.server
import json
import secrets
import sys
import urllib.parse

ORDERS = {"7": {"id": 7, "item": "a kettle", "paid": True}, "8": {"id": 8, "item": "tea", "paid": False}}
tokens = set()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        fields = dict(urllib.parse.parse_qsl(form))
        if self.path != "/login" or fields != {"user": "john", "password": "open sesame"}:
            return self.answer(401, {"error": "nobody by that name"})
        token = secrets.token_urlsafe(24)
        tokens.add(token)
        self.answer(200, {"access_token": token, "user": {"name": "john", "newest": 8}})

    def do_GET(self):
        if self.headers.get("Authorization", "").removeprefix("Bearer ") not in tokens:
            return self.answer(401, {"error": "log in first"})
        order = ORDERS.get(self.path.removeprefix("/orders/"))
        self.answer(200 if order else 404, order or {"error": "no such order"})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        print(f"{self.command} {self.path}", flush=True)


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print(f"serving on {sys.argv[1]}", flush=True)
server.serve_forever()
