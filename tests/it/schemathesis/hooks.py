"""Adapts generated examples to constraints that a JSON Schema cannot express.

These are relations between fields, lengths in bytes, times close to now, and names that the server assigns. The API
describes them in words and rejects violations. Only examples that the server should accept are changed; examples that
it should reject are sent as generated.
"""

import datetime
import json
import os
import re
import uuid
import zlib

import schemathesis

# A stored post, for calls about a single post.
POST = os.environ["GROUNDSWELL_POST"]

# Another one, which may be erased. The first call that does so gets 204, and the others 404.
ERASABLE_POST = os.environ["GROUNDSWELL_ERASABLE_POST"]

# An email channel, for reports.
EMAIL_CHANNEL = os.environ["GROUNDSWELL_EMAIL_CHANNEL"]

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
kinds = {EMAIL_CHANNEL: "email"}


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
    elif body["dimension"] != "overall" and not (body.get("key") or "").strip():
        body.pop("key", None)
    body["everything"] = all(body.get(it) is None for it in ("rule_id", "dimension", "severity"))


def channel(body, known):
    body["kind"] = kinds.get(known, body["kind"])
    body["settings"] = SETTINGS[body["kind"]]
    if body["kind"] == "pagerduty":
        body.pop("delivery", None)


def annotation(body):
    body["starts_at"] = now(-1)
    if body.get("ends_at") is not None:
        body["ends_at"] = now()


def work(body):
    # Tags and names are text that people can see.
    for key in ("add_tags", "remove_tags"):
        if key in body:
            body[key] = [f"{key[0]}{n}" for n, _ in enumerate(body[key])]
    if body.get("assignee") is not None:
        body["assignee"] = "Ana"
    body["needs_answer"] = True


def assignment(body):
    if body["assignee"] is not None:
        body["assignee"] = "Ana"


def bulk_work(body):
    # Each post can be named only once.
    items = {item["post"]: item for item in body["items"]}
    for item in items.values():
        work(item["change"])
    body["items"] = list(items.values())


def report(body):
    body["schedule"]["tz"] = "Europe/Berlin"
    if "notification_channel" in body:
        body["notification_channel"] = EMAIL_CHANNEL


def share_link(body):
    # Parameters of the page. No others can be shared.
    body["query"] = "window=1h"


def topic(body):
    # A valid query. Names are unique, so each example has one of its own.
    body["query"] = "nimbrel"
    if "name" in body:
        body["name"] = f"topic {uuid.uuid4()}"


def webhook_settings(settings):
    # Settings of other networks, and a platform that nothing needs.
    names = ("base_url", "url", "interval_s", "tags", "only_local", "queries", "subreddits", "follow_topics", "usd_per_month")
    for name in names:
        settings.pop(name, None)
    if settings.get("mapping") is None:
        settings.pop("platform", None)


def source(body):
    # Each network has settings of its own, and none can be reached.
    if body.get("network") == "webhook":
        webhook_settings(body.get("settings") or {})
    elif "network" in body:
        body["network"] = "bluesky"
        if body.get("settings") is not None:
            body["settings"] = {"base_url": "https://source.invalid"}
    elif body.get("settings") is not None:
        # A change, of a source of any network.
        body["settings"] = {}
    # No network here issues any.
    body.pop("credentials", None)
    # Names are unique, so each example has one of its own.
    if body.get("name") is not None:
        body["name"] = f"source {uuid.uuid4()}"


def credentials(body):
    # The same. None is what every source may have.
    body.clear()


def mapping_sample(body):
    webhook_settings(body["settings"])
    # The items are where the sample has some.
    body["settings"].pop("items", None)


def topic_job(body):
    # Posts are not kept for longer than some number of days, which a setting determines.
    body["days"] = 1


def account(body):
    # The schema's format admits more addresses than people have.
    body["email"] = "someone@example.com"
    if body.get("name") is not None:
        body["name"] = "Ana"


def new_account(body):
    account(body)
    # Each account and each invitation has an address of its own.
    body["email"] = f"{uuid.uuid4()}@example.com"
    password(body)


def password(body):
    # One that is not easy to guess.
    if "password" in body:
        body["password"] = "four unrelated words"
    if body.get("name") is not None:
        body["name"] = "Ana"


def account_change(body):
    # At least one field.
    body["plan"] = "free"
    if body.get("name") is not None:
        body["name"] = "Ana"


def forgotten_password(body):
    if "email" in body:
        account(body)
    password(body)


def exchange(body):
    # One credential at a time, and no credential that anybody has.
    body.clear()
    body["api_key"] = "gsk_nobody"


def api_key(body):
    if body.get("expires_at") is not None:
        body["expires_at"] = now(24)


def client(body):
    # Scopes are within the role.
    body.pop("scopes", None)


BODIES = {"/auth/token": exchange, "/api-keys": api_key, "/clients": client,
          "/auth/login": account, "/auth/setup": account, "/auth/invitation": password, "/auth/password-reset": forgotten_password,
          "/users": new_account, "/users/{id}": account_change, "/invitations": new_account,
          "/sources": source, "/sources/{id}": source, "/sources/{id}/credentials": credentials, "/sources/preview-mapping": mapping_sample,
          "/share-links": share_link, "/topics": topic, "/topics/{id}": topic, "/topics/preview": topic, "/topics/{id}/history": topic_job,
          "/annotations": annotation, "/annotations/{id}": annotation,
          "/posts/{id}/work": work, "/posts/work": bulk_work, "/alerts/{id}/assignee": assignment,
          "/posts": post, "/alert-rules": rule, "/alert-rules/preview": rule, "/alert-rules/{id}": rule,
          "/silences": silence, "/reports": report, "/reports/{id}": report, "/reports/preview": report}  # fmt: skip


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
    if "tag" in query:
        query["tag"] = "refund"
    if "tz" in query:
        query["tz"] = "Europe/Berlin"
    if query.get("order", "newest") != "newest":
        query["window"] = "24h"
        if "limit" in query:
            query["limit"] = min(int(query["limit"]), 200)
    # Both periods must have the same length.
    if path == "/explore/explain":
        query.pop("compare_from", None)
        query.pop("compare_to", None)
    # A comparison is given in one way only.
    if "compare" in query:
        query.pop("compare_from", None)
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
    # A call that erases a post must not erase the one that all other calls are about, not even by chance.
    if path == "/posts/{id}" and case.method == "DELETE":
        case.path_parameters["id"] = ERASABLE_POST
        return
    # Any other DELETE is about a label correction, which the post may not have.
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
    # Ids that are not UUIDs are replaced.
    if not re.fullmatch("[0-9a-f-]{36}", str(case.path_parameters.get("job", POST))):
        case.path_parameters["job"] = POST
    # A name in percent-encoded text.
    if "X-Groundswell-Actor" in (case.headers or {}):
        case.headers["X-Groundswell-Actor"] = "Ana%20M%C3%BCller"
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
