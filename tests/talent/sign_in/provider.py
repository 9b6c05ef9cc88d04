"""A provider of OpenID Connect on loopback, which judges how the desk asks it."""

import base64
import contextlib
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "desk", "of the desk and the provider"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider:
    """Signs in whom the test says; refuses a desk that asks otherwise than the standard says."""

    def __init__(self, port):
        self.issuer = f"http://127.0.0.1:{port}"
        self.codes = {}

    def sign_in(self, asked, **claims):
        """Sign somebody in who came with this address; return the query that they go back with."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(asked).query).items()}
        assert asked.startswith(f"{self.issuer}/authorize?")
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT)
        assert {"openid", "email"} <= set(query["scope"].split())
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = (query, claims)
        return {"code": code, "state": query["state"]}

    def token(self, form):
        query, claims = self.codes.pop(form["code"])
        hashed = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(hashed).rstrip(b"=").decode() == query["code_challenge"]
        assert form["redirect_uri"] == query["redirect_uri"]
        assert (form["client_id"], form["client_secret"]) == (CLIENT, SECRET)
        now = int(time.time())
        token = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, **claims}
        self.claims = claims
        return {
            "access_token": "opens the user's own data",
            "token_type": "Bearer",
            "id_token": jwt.encode(token, KEY, algorithm="RS256", headers={"kid": "one"}),
        }

    def answers(self):
        return {
            "/.well-known/openid-configuration": lambda _form: {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "jwks_uri": f"{self.issuer}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            },
            "/token": self.token,
            "/userinfo": lambda _form: self.claims,
        }


@contextlib.contextmanager
def running():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            form = {
                name: values[0]
                for name, values in parse_qs(self.rfile.read(length).decode()).items()
            }
            answer = json.dumps(provider.answers()[self.path](form)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = Provider(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
