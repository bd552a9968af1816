"""The few WebDriver calls that the page test needs, over plain HTTP to chromedriver (W3C WebDriver)."""

import base64
import json
import re
import subprocess
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ANSWER_SECONDS_MAX = 30
CONDITION_SECONDS_MAX = 20
LOOK_EVERY_SECONDS = 0.05


class Browser:
    """A headless Chromium; leaving the `with` block ends it."""

    def __init__(self, profile):
        # The port is chromedriver's choice; its first lines name it.
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            port = next(filter(None, (re.search(r"successfully on port (\d+)", line) for line in self.driver.stdout)))[1]
            self.url = f"http://127.0.0.1:{port}"
            arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio"]
            arguments += ["--autoplay-policy=no-user-gesture-required", f"--user-data-dir={profile}"]
            options = {"args": arguments, "binary": "/usr/bin/chromium"}
            wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self.url += f"/session/{session['sessionId']}"
        except BaseException:
            self.driver.kill()
            self.driver.wait()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(ANSWER_SECONDS_MAX)

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=ANSWER_SECONDS_MAX) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {json.load(error)['value']['message']}") from None

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def element(self, selector):
        found = self.call("POST", "/element", {"using": "css selector", "value": selector})
        return f"/element/{found[ELEMENT]}"

    def type(self, selector, text):
        self.call("POST", f"{self.element(selector)}/value", {"text": text})

    def click(self, selector):
        self.call("POST", f"{self.element(selector)}/click", {})

    def accept(self):
        self.call("POST", "/alert/accept", {})

    def picture(self, path):
        """What is seen now, as PNG."""
        path.write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    def until(self, what, script, *arguments):
        """Waits until the script's result is true, and returns it."""
        deadline = time.monotonic() + CONDITION_SECONDS_MAX
        while not (result := self.run(f"return ({script})", *arguments)):
            if time.monotonic() > deadline:
                text = self.run("return document.body.innerText")
                raise AssertionError(f"waited {CONDITION_SECONDS_MAX} s and not: {what}; the page says:\n{text}")
            time.sleep(LOOK_EVERY_SECONDS)
        return result

    def complaints(self):
        """What the browser logged since the last call."""
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})]
