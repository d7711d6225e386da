"""A small shop for scenarios/shop.toml: users log in, look around, fill a basket, and pay.

Each session has a cookie of its own and a basket of its own. A request that mixes two users is answered 403.
Now and then (once in 300 searches) a search fails, as real ones do."""

import json
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

PASSWORDS = {f"user{n}": f"pw-{n}" for n in range(1, 21)}
sessions = {}
searches = 0
lock = threading.Lock()


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body, cookie=None):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if cookie:
            self.send_header("Set-Cookie", f"session={cookie}; Path=/; HttpOnly")
        self.end_headers()
        self.wfile.write(text)

    def session(self):
        cookies = dict(pair.strip().split("=", 1) for pair in self.headers.get("Cookie", "").split(";") if "=" in pair)
        return sessions.get(cookies.get("session"))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path == "/login":
            if PASSWORDS.get(body.get("user")) != body.get("password"):
                return self.answer(401, {"error": "wrong user or password"})
            cookie = uuid.uuid4().hex
            sessions[cookie] = {"user": body["user"], "basket": []}
            return self.answer(200, {"user": body["user"]}, cookie)
        session = self.session()
        if not session or session["user"] != body.get("user"):
            return self.answer(403, {"error": "this is the session of somebody else"})
        if self.path == "/basket":
            session["basket"].append(body["item"])
            return self.answer(200, {"count": len(session["basket"])})
        if self.path == "/pay":
            paid, session["basket"] = session["basket"], []
            return self.answer(200 if paid else 409, {"paid": len(paid)})
        return self.answer(404, {})

    def do_GET(self):
        global searches
        if not self.session():
            return self.answer(403, {"error": "nobody is logged in"})
        with lock:
            searches += 1
            fails = searches % 300 == 0
        if fails:
            return self.answer(500, {"error": "the search has tripped"})
        words = parse_qs(urlparse(self.path).query).get("q", [""])
        return self.answer(200, {"items": [{"id": f"{words[0]}-{n}"} for n in range(1, 4)]})


class Server(ThreadingHTTPServer):
    request_queue_size = 100


server = Server(("127.0.0.1", int(sys.argv[1])), Shop)
print("serving", flush=True)
server.serve_forever()
