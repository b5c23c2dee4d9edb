"""What a service calls: a payment provider, a model's API. A server on loopback that keeps what reached it."""

import http.server
import json
import threading


class StandIn(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(self.path)
        answer = {"id": "1"}
        if self.path.endswith("/chat/completions"):
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "It is on its way."}}
            answer = {"id": "c1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_DELETE = do_POST

    def log_message(self, *_):
        pass


def stand_in(seen, server=None):
    """Serve in a thread, an HTTP server if no other is given; each path that arrives is appended to `seen`. Returns the port."""
    server = server or http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    server.seen, server.daemon_threads = seen, True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]
