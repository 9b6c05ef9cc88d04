"""A mail server on loopback that answers as it is told, by the recipient's name."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator

REPLIES = {"nobody@": "550 5.1.1 No such mailbox", "full@": "452 4.2.2 Mailbox full"}


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.connections += 1
        self.say("220 mail.example")
        for line in iter(self.rfile.readline, b""):
            command = line.decode().strip()
            verb = command.upper()
            if verb.startswith("QUIT"):
                return self.say("221 Bye")
            if verb.startswith("RCPT") and "drop@" in command:
                return None
            self.say(self.reply_to(verb, command))
        return None

    def reply_to(self, verb, command):
        if verb.startswith("RCPT"):
            self.recipient = command[command.index("<") + 1 : command.index(">")]
            return next((REPLIES[name] for name in REPLIES if name in command), "250 OK")
        if verb == "DATA":
            self.say("354 Go on")
            while self.rfile.readline().strip() != b".":
                pass
            self.server.taken.append(self.recipient)
        return "250 OK"

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 20


@contextlib.contextmanager
def mail_server(settings) -> Iterator[_Server]:
    """Serve, and have the desk send its mail here; `taken` are the recipients of what came."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with _Server(("127.0.0.1", 0), _Conversation) as server:
        server.taken, server.connections = [], 0
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_TIMEOUT = 5
        threading.Thread(target=server.serve_forever, args=[0.02]).start()
        try:
            yield server
        finally:
            server.shutdown()
