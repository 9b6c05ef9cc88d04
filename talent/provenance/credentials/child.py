"""A process of its own that reads a file's C2PA manifest: it parses what strangers made.

Run as a program: the media type is its argument, the file comes by standard input, after the trust
list and its length. It writes JSON. It may use little memory and time, writes no file, and the
library fetches nothing.
"""

import io
import json
import resource
import sys

MEMORY = 1 << 30  # bytes
SECONDS = 20


def main() -> None:
    """Read the manifest and write what the library says of it."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sent = sys.stdin.buffer
    length = int(sent.read(10))
    anchors = sent.read(length).decode()
    import c2pa

    settings: dict[str, dict[str, object]] = {
        "verify": {"remote_manifest_fetch": False, "verify_trust": True}
    }
    if anchors:
        settings["trust"] = {"trust_anchors": anchors}
    told: dict[str, object]
    try:
        context = c2pa.Context(settings=c2pa.Settings.from_dict(settings))
        reader = c2pa.Reader(sys.argv[1], io.BytesIO(sent.read()), context=context)
        told = {"read": json.loads(reader.json())}
    except c2pa.C2paError as fault:
        told = {"fault": str(fault)[:500]}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
