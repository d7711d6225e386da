"""A server that needs a while: it answers 503 to its first requests, and 200 from then on."""

import http.server
import sys

port, cold = int(sys.argv[1]), int(sys.argv[2])


class Handler(http.server.BaseHTTPRequestHandler):
    requests = 0

    def do_GET(self):
        Handler.requests += 1
        warm = Handler.requests > cold
        body = b"warm\n" if warm else b"still cold\n"
        self.send_response(200 if warm else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


print("starting", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
