"""A web front: each page is an order with the API."""

import http.server
import sys
import urllib.error
import urllib.request


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[2]}/orders", timeout=5) as answer:
                page = f"<h1>Your order is number {answer.read().decode()}</h1>\n".encode()
        except (urllib.error.URLError, OSError):
            return self.send_error(503, "The shop is closed")
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print(f"serving on {sys.argv[1]}", flush=True)
server.serve_forever()
