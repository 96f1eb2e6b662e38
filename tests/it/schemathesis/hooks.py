"""Adapts generated examples to constraints that a JSON Schema cannot express.

These are relations between fields, lengths in bytes, times close to now, and names that the server assigns. The API
describes them in words and rejects violations. Only examples that the server should accept are changed; examples that
it should reject are sent as generated.
"""

import datetime
import json
import os
import re
import zlib

import schemathesis

# A stored post, for calls about a single post.
POST = os.environ["GROUNDSWELL_POST"]

# Prefix of the built-in rules, which can be neither deleted nor replaced by other rules.
BUILTIN_RULES = "01930000-0000-7000-8000-"

# Limits in bytes, because the schema counts characters.
BYTES_MAX = {
    "id": 256, "handle": 256, "location": 256, "parent_id": 256, "url": 2048,
    "city": 128, "country": 128, "product": 128, "channel": 128, "key": 128,
}  # fmt: skip

# Resolves nowhere.
ADDRESS = "https://receiver.invalid/hook"

SETTINGS = {
    "webhook": {"url": ADDRESS},
    "slack": {"url": ADDRESS},
    "email": {"to": ["someone@receiver.invalid"]},
    "pagerduty": {"routing_key": "0123456789abcdef0123456789abcdef"},
    "web_push": {
        "endpoint": ADDRESS,
        # The example in RFC 8291.
        "keys": {
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        },
    },
}

RANGES = {"sentiment_average": (-1, 1), "churn_high": (0, 1e12), "volume": (0, 1e12), "virality": (60, 100)}

# The kind of each existing channel, which never changes.
kinds = {}


def now(hours=0):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return at.isoformat()


def hours_of(example):
    """Returns a number of hours that depends only on the example."""
    return 1 + zlib.crc32(json.dumps(example, sort_keys=True, default=str).encode()) % 20


def plain(value, name=None):
    """Converts floats to integers where possible: to JSON Schema, 18.0 is an integer; to this server, as to most, it is not."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, str) and name in BYTES_MAX:
        return value.encode()[: BYTES_MAX[name]].decode(errors="ignore")
    if isinstance(value, dict):
        return {key: plain(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


def post(body):
    if body.get("created_at"):
        body["created_at"] = now(-hours_of(body))
    if body.get("original_created_at"):
        body["original_created_at"] = now(-1000 * hours_of(body))
    geo = body.get("geo")
    if geo and (geo.get("lat") is None) != (geo.get("lon") is None):
        body["geo"] = {key: value for key, value in geo.items() if key not in ("lat", "lon")}


def rule(body):
    least, most = RANGES.get(body["metric"], (0, 1))
    scope = body["scope"]
    if not scope.get("key") or scope["dimension"] == "overall":
        scope.pop("key", None)
    is_each = scope["dimension"] != "overall" and "key" not in scope
    if body["metric"] == "virality" or (body["metric"] == "volume" and is_each):
        body["comparison"] = "above"
    body["threshold"] = min(max(body["threshold"], least), most)
    if body.get("clear_threshold") is not None:
        nearer = min if body["comparison"] == "above" else max
        body["clear_threshold"] = nearer(min(max(body["clear_threshold"], least), most), body["threshold"])
    # Generated channels do not exist.
    body["channels"] = []


def silence(body):
    body["ends_at"] = now(hours_of(body))
    if "starts_at" in body:
        body["starts_at"] = now()
    if body.get("dimension") is None:
        body.pop("key", None)
    elif body["dimension"] == "overall" and body.get("key"):
        body["key"] = ""


def channel(body, known):
    body["kind"] = kinds.get(known, body["kind"])
    body["settings"] = SETTINGS[body["kind"]]
    if body["kind"] == "pagerduty":
        body.pop("delivery", None)


BODIES = {"/posts": post, "/alert-rules": rule, "/alert-rules/preview": rule, "/alert-rules/{id}": rule,
          "/silences": silence}  # fmt: skip


def repair_body(case, path):
    body = plain(case.body)
    if isinstance(body, dict):
        if path in BODIES:
            BODIES[path](body)
        if path in ("/notification-channels", "/notification-channels/{id}"):
            channel(body, case.path_parameters.get("id"))
    case.body = body


def repair_query(query, path):
    query = plain(dict(query))
    # Only the server issues cursors.
    query.pop("cursor", None)
    if "tz" in query:
        query["tz"] = "Europe/Berlin"
    if query.get("order", "newest") != "newest":
        query["window"] = "24h"
        if "limit" in query:
            query["limit"] = min(int(query["limit"]), 200)
    # The number of steps in a range is limited.
    if query.get("step") in ("minute", "hour"):
        query["window"] = "1h"
    # Queries with several filters read posts, of one day at most.
    filters = {"product", "platform", "channel", "city"}
    if path.startswith("/api/metrics/") and len(filters & query.keys()) > 0 and query.get("window") == "7d":
        query["window"] = "24h"
    if "window" in query or "from" not in query:
        query.pop("from", None)
        query.pop("to", None)
    else:
        query["from"] = now(-hours_of(query))
        if "to" in query:
            query["to"] = now()
    return query


def repair_id(case, path):
    drawn = str(case.path_parameters["id"])
    # A DELETE is about a label correction, which the post may not have.
    wants_post = path.startswith("/posts/{id}") and case.method != "DELETE"
    # Ids that are not UUIDs are replaced too.
    is_uuid = re.fullmatch("[0-9a-f-]{36}", drawn)
    is_fixed = drawn.startswith(BUILTIN_RULES) and case.method != "GET"
    if wants_post or not is_uuid or is_fixed:
        case.path_parameters["id"] = POST


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    path = case.operation.path.removeprefix("/api/v1")
    if "id" in case.path_parameters:
        repair_id(case, path)
    if case.query:
        case.query = repair_query(case.query, path)
    if isinstance(case.body, (dict, list)):
        repair_body(case, path)


@schemathesis.hook
def filter_case(context, case):
    """Drops negative numbers that round to zero as `float`, the type in the schema, because the server accepts them."""
    numbers = (case.query or {}).get("min_churn"), (case.query or {}).get("min_virality")
    return not any(isinstance(number, float) and -1e-38 < number < 0 for number in numbers)


@schemathesis.hook
def after_call(context, case, response):
    if case.operation.path == "/api/v1/notification-channels" and response.status_code in (200, 201):
        answer = response.json()
        kinds.update({made["id"]: made["kind"] for made in answer.get("items", [answer])})
