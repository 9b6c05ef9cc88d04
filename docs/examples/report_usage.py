"""Report uses to a Likeness Desk, safely again and again: report_usage.py uses.json

The file holds a list of {"id", "time", "data"}. DESK_URL and DESK_KEY stand in the environment.
Needs the package `cloudevents`.
"""

import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

SOURCE, TYPE = "https://studio.example/dubbing", "org.likenessdesk.usage.v1"
ATTEMPTS, WAIT = 6, float(os.environ.get("DESK_WAIT", "1"))


def event(use):
    """The same use has the same id whenever it is sent, so that it counts once."""
    return CloudEvent(
        {"id": use["id"], "source": SOURCE, "type": TYPE, "datacontenttype": "application/json",
         "time": datetime.fromisoformat(use["time"])}, use["data"],
    )  # fmt: skip


def send(events):
    """Post a batch until the desk has answered it; wait longer each time it does not."""
    body = b"[" + b",".join(JSONFormat().write(each) for each in events) + b"]"
    headers = {"Authorization": "Bearer " + os.environ["DESK_KEY"],
               "Content-Type": "application/cloudevents-batch+json"}  # fmt: skip
    url = os.environ["DESK_URL"] + "/api/v1/usage/events"
    request = urllib.request.Request(url, body, headers)
    for attempt in range(ATTEMPTS):
        time.sleep(WAIT * (2**attempt - 1) * random.uniform(0.5, 1))
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["results"]
        except urllib.error.HTTPError as refused:
            if refused.code < 500 and refused.code != 429:
                sys.exit(f"Refused, nothing was kept: {refused.read().decode()}")
        except OSError as failure:
            print(f"No answer ({failure}); trying again.", file=sys.stderr)
    sys.exit("The desk does not answer. Run this again later: the ids stay the same.")


with open(sys.argv[1]) as file:
    uses = json.load(file)
results = [r for i in range(0, len(uses), 1000) for r in send(map(event, uses[i : i + 1000]))]
for use, result in zip(uses, results, strict=True):
    problem = result.get("problem")
    print(use["id"], result["status"], *(
        [problem["code"], *(error["pointer"] for error in problem.get("errors", []))]
        if problem else [result["standing"], result["receipt"]["entry"]]
    ))  # fmt: skip
sys.exit(any("problem" in result for result in results))
