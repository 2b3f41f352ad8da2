"""Compares random requests of ours with those of PyPI's unchanged `pusher`: a thousand that publish and a
thousand that ask must have the signatures that the library makes.

    python requests.py PROGRAM        PROGRAM is the example `signed_requests` of pushest-proto
"""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

# This file's folder must not stand before the library's own dependency, which is called as it is.
sys.path = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).parent]

import pusher
from pusher.http import make_query_string
from pusher.signature import sign, verify

# Two kinds of five publish, and three ask.
CALLS = 2500
EACH = 1000
TIME = 1353088179
SECRET = "7ad3773142a6692b25b8"
NAME = "abcXYZ019_-=@,.;"
TEXT = "ab \"\\/\n\t\x01\x7f<>&=?#%+é日\u2028\U0001f980{}[]:'"

time.time = lambda: TIME
draw = random.Random(7)
client = pusher.Pusher(app_id="3", key="278d425bdf160c739803", secret=SECRET, host="localhost", ssl=False)


def name(prefix):
    return prefix + "n" + "".join(draw.choices(NAME, k=draw.randrange(12)))


def text():
    return "".join(draw.choices(TEXT, k=1 + draw.randrange(30)))


def channel():
    return name(draw.choice(["", "", "private-", "presence-", "cache-"]))


def socket_id():
    return f"{draw.randrange(10**9)}.{draw.randrange(10**9)}"


# Each returns the library's request, and the same call for ours.
def publish():
    # Each once: one that is named twice is refused.
    channels = list(dict.fromkeys(channel() for _ in range(1 + draw.randrange(4))))
    event, data = text(), text()
    call = {"call": "publish", "channels": channels, "name": event, "data": data}
    if draw.random() < 0.5:
        call["socket_id"] = socket_id()
    return client._pusher_client.trigger.make_request(channels, event, data, call.get("socket_id")), call


def batch():
    events = [{"name": text(), "data": text(), "channel": channel()} for _ in range(1 + draw.randrange(10))]
    request = client._pusher_client.trigger_batch.make_request([dict(event) for event in events])
    return request, {"call": "batch", "batch": events}


def channels():
    prefix = name("presence-")
    request = client._pusher_client.channels_info.make_request(prefix, ["user_count"])
    return request, {"call": "channels", "prefix": prefix, "info": "user_count"}


def of_channel():
    of, info = channel(), ["subscription_count"]
    if of.startswith("presence-"):
        info = ["user_count", *info]
    request = client._pusher_client.channel_info.make_request(of, info)
    return request, {"call": "channel", "channel": of, "info": ",".join(info)}


def users():
    of = name("presence-")
    return client._pusher_client.users_info.make_request(of), {"call": "users", "channel": of}


kinds = [publish, batch, channels, of_channel, users]
theirs, lines = [], []
for index in range(CALLS):
    request, call = kinds[index % len(kinds)]()
    theirs.append(request)
    lines.append({**call, "time": TIME})
    # The very body that the library signed; its spaces are not ours.
    body = {"call": "post", "path": request.path.removeprefix("/apps/3"), "body": request.body.decode()}
    lines.append({**body, "time": TIME} if request.method == "POST" else lines[-1])

answers = subprocess.run(
    [sys.argv[1]], input="\n".join(map(json.dumps, lines)), stdout=subprocess.PIPE, check=True, encoding="utf-8"
).stdout.rstrip("\n").split("\n")
assert len(answers) == 2 * CALLS, len(answers)


def taken_apart(answer):
    path, query = answer["target"].split("?")
    query = {key: unquote(value) for key, value in (pair.split("=", 1) for pair in query.split("&"))}
    return path, query, query.pop("auth_signature")


equal = {"GET": 0, "POST": 0}
for index, request in enumerate(theirs):
    answer, same_body = (json.loads(answer) for answer in answers[2 * index : 2 * index + 2])
    call = lines[2 * index]
    assert "error" not in answer and "error" not in same_body, (call, answer, same_body)
    path, query, signature = taken_apart(answer)
    assert (answer["method"], path) == (request.method, request.path), call
    signed = "\n".join([request.method, path, make_query_string(query)])
    assert verify(SECRET, signed, signature), (call, signed)
    expected = dict(request.query_params)
    if request.method == "GET":
        # The library signs and sends the digest of no body, too, which no server asks for. Without it, what
        # it signs is signed by it once more.
        for key in ["body_md5", "auth_signature"]:
            expected.pop(key)
        assert query == expected, (call, query, expected)
        query["auth_signature"] = signature
        signed = "\n".join([request.method, request.path, make_query_string(expected)])
        expected["auth_signature"] = sign(SECRET, signed)
        assert query == expected, (call, query, expected)
    else:
        assert json.loads(answer["body"]) == json.loads(request.body), call
        _, query, signature = taken_apart(same_body)
        query["auth_signature"] = signature
        assert query == expected, (call, query, expected)
    equal[request.method] += 1
assert min(equal.values()) >= EACH, equal
print(
    f"PyPI's pusher: {equal['POST']} requests that publish and {equal['GET']} that ask are signed the same, and "
    f"{CALLS} of ours verified"
)
