"""A payment provider and a mail server on loopback that do nothing but log what reached them.

python standin.py LOG: the first line on stdout is `{"payments": PORT, "smtp": PORT}`; each request and each message is
one JSON line in LOG. Ends when its standard input does.
"""

import http.server
import json
import socketserver
import sys
import threading

log_lock = threading.Lock()


def log(kind, **facts):
    with log_lock, open(sys.argv[1], "a", encoding="utf-8") as file:
        file.write(json.dumps({"kind": kind, **facts}) + "\n")


class Payments(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        log("http", method="POST", path=self.path, body=body.decode("utf-8", "replace"))
        answer = json.dumps({"id": "re_1", "status": "succeeded"}).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Mail(socketserver.StreamRequestHandler):
    def reply(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        recipients = []
        self.reply("220 standin")
        for raw in self.rfile:
            line = raw.decode("utf-8", "replace").strip()
            verb = line.upper()
            if verb.startswith(("EHLO", "HELO", "MAIL", "RSET", "NOOP")):
                self.reply("250 ok")
            elif verb.startswith("RCPT TO:"):
                recipients.append(line[8:].strip().strip("<>"))
                self.reply("250 ok")
            elif verb == "DATA":
                self.reply("354 go on")
                text = []
                for part in self.rfile:
                    if part.rstrip(b"\r\n") == b".":
                        break
                    text.append(part.decode("utf-8", "replace"))
                log("smtp", recipients=recipients, text="".join(text))
                self.reply("250 taken")
            elif verb == "QUIT":
                self.reply("221 bye")
                return
            else:
                self.reply("502 not here")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main():
    payments = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Payments)
    mail = Server(("127.0.0.1", 0), Mail)
    for server in (payments, mail):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"payments": payments.server_address[1], "smtp": mail.server_address[1]}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
