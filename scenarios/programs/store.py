"""A store that numbers orders, over TCP: each line that it gets is answered by the next number."""

import socketserver
import sys
import threading

count, lock = 0, threading.Lock()


class Orders(socketserver.StreamRequestHandler):
    def handle(self):
        global count
        for _ in self.rfile:
            with lock:
                count += 1
                number = count
            self.wfile.write(b"%d\n" % number)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


with Server(("127.0.0.1", int(sys.argv[1])), Orders) as server:
    print("the store listens", flush=True)
    server.serve_forever()
