"""A small server: counts its clients, and says how many when a line comes on its standard input."""

import socket
import sys
import threading

count = 0


def answer_questions():
    for line in sys.stdin:
        print(f"{line.strip()} {count}", flush=True)


def main():
    global count
    server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    threading.Thread(target=answer_questions, daemon=True).start()
    print(f"listening on {sys.argv[1]}", flush=True)
    try:
        while True:
            client, _ = server.accept()
            count += 1
            name = client.recv(100).decode()
            client.sendall(f"welcome {name}, number {count}".encode())
            client.close()
    except KeyboardInterrupt:
        print(f"closing after {count} clients", flush=True)


main()
