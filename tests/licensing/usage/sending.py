"""Sends uses to the API as a studio's pipeline does."""

import json

EVENTS = "/api/v1/usage/events"


def as_json(envelope):
    sent = {
        "specversion": "1.0",
        "id": envelope.id,
        "source": envelope.source,
        "type": envelope.type,
        "time": envelope.time,
        "data": envelope.data,
    }
    return sent | envelope.extensions


def send_one(client, envelope, **changes):
    body = as_json(envelope) | changes
    return client.post(EVENTS, json.dumps(body), content_type="application/cloudevents+json")


def send(client, *envelopes, content_type="application/cloudevents-batch+json"):
    body = json.dumps([as_json(envelope) for envelope in envelopes])
    return client.post(EVENTS, body, content_type=content_type)
