"""Uploads, downloads and reads refusals with Python's requests: clients.py URL PASSWORD VIDEO."""

import hashlib
import json
import sys

import requests

url, password, video = sys.argv[1:]
session = requests.Session()
session.trust_env = False
login = session.post(url + "/login", auth=("admin", password), timeout=30)
login.raise_for_status()
session.headers["Authorization"] = "Bearer " + login.json()["token"]

with open(video, "rb") as body:
    raw = session.post(url + "/upload", params={"filename": "raw.mp4"}, data=body, timeout=60)
with open(video, "rb") as body:
    form = session.post(url + "/upload", files={"file": ("fôrm.mp4", body)}, timeout=60)
assert raw.status_code == form.status_code == 201, (raw.text, form.text)
assert raw.json()["sha256"] == form.json()["sha256"]
assert form.json()["filename"] == "fôrm.mp4", form.text

mp3 = session.get(url + "/download", params={"fid": raw.json()["id"]}, timeout=30)
assert hashlib.sha256(mp3.content).hexdigest() == raw.json()["sha256"]


def zeros(pieces):
    for _ in range(pieces):
        yield bytes(65536)


# Both with a length and chunked: the refusal comes while the body is still being sent.
refused = session.post(url + "/upload", params={"filename": "a.mp4"}, data=bytes(50_000_000), timeout=30)
assert refused.status_code == 413, refused.text
refused = session.post(url + "/upload", params={"filename": "a.mp4"}, data=zeros(2000), timeout=30)
assert refused.status_code in (413, 415), refused.text
assert refused.headers["Content-Type"] == "application/problem+json"

print(json.dumps(raw.json()))
