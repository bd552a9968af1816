"""Takes a real Chromium through the page: log in, upload, listen, be refused, wait in the queue, delete, log out.

python3 page.py TAPEDECK, the program to test. Needs chromium, chromedriver and ffmpeg.
"""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from webdriver import Browser

PASSWORD = "correct horse"
STOP_SECONDS_MAX = 30
VISIBLE = "!document.querySelector(arguments[0]).hidden"
TEXT = "document.querySelector(arguments[0])?.innerText"


class Tapedeck:
    """`tapedeck up` on a fresh folder; leaving the `with` block stops it."""

    def __init__(self, program, folder):
        settings = {"TAPEDECK_ADMIN_PASSWORD": PASSWORD, "RUST_LOG": "error", "DISK_FREE_MIN": "0"}
        # One conversion at a time, so that a second one waits in the queue as long as a silent upload holds the place.
        settings |= {"QUEUED_FLOW": "true", "CONVERSIONS_MAX": "1", "UPLOAD_IDLE_MAX": "5m", "UPLOAD_RATE_MIN": "0"}
        command = [program, "up", "--listen", "127.0.0.1:0", "--data", folder]
        self.process = subprocess.Popen(command, env=os.environ | settings, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        found = (re.search(r"http://(127\.0\.0\.1:\d+)", line) for line in self.process.stdout)
        match = next(filter(None, found), None)
        assert match, "tapedeck did not say where it listens"
        return f"http://{match[1]}"

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.communicate(timeout=STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def make_video(path, seconds):
    picture = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=25"]
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"]
    codecs = ["-t", str(seconds), "-c:v", "mpeg4", "-c:a", "aac", "-movflags", "+faststart"]
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *picture, *tone, *codecs, path], check=True)


def log_in(browser, password):
    browser.until("the login form is there", VISIBLE, "#login")
    browser.run("document.querySelector('#login').reset()")
    browser.type("#login [name=username]", "admin")
    browser.type("#login [name=password]", password)
    browser.click("#login button")


def a_wrong_password_is_told(browser):
    log_in(browser, "wrong password")
    browser.until("the refusal is shown", f"{TEXT} === 'Wrong name or password.'", "#login .error")


def a_login_leaves_no_token_to_scripts(browser):
    log_in(browser, PASSWORD)
    browser.until("the deck is there", VISIBLE, "#deck")
    leaked = browser.run("return document.cookie + JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert leaked == "[{},{}]", leaked


def an_upload_becomes_an_mp3_that_plays(browser, video):
    browser.type("#files", str(video))
    audio = "document.querySelector('#uploads li:first-child audio')"
    browser.until("the mp3 is there", f"{audio} && !{audio}.hidden")
    browser.run(f"{audio}.play()")
    browser.until("it plays", f"{audio}.currentTime > 0.2")
    duration = browser.run(f"return {audio}.duration")
    assert abs(duration - 3) < 0.05, duration
    link = browser.run("return document.querySelector('#uploads li:first-child .download').href")
    head = "const a = await fetch(arguments[0]); return [a.status, a.headers.get('content-disposition')]"
    status, disposition = browser.run(f"return (async () => {{ {head} }})()", link)
    assert status == 200 and "attachment" in disposition and "a%20b" in disposition, (status, disposition)


def options_of_the_form_reach_the_conversion(browser, video):
    fields = {"quality": "bitrate=128", "channels": "1", "track": "1", "replaygain": "track", "tags": "none", "title": "A b"}
    browser.run("for (const [name, value] of Object.entries(arguments[0])) options.elements[name].value = value", fields)
    row = "document.querySelector('#uploads li:first-child')"
    browser.type("#files", str(video))
    browser.until("the second mp3 is there", "document.querySelectorAll('#uploads li[data-state=done]').length === 2")
    browser.run("options.reset()")
    link = browser.run(f"return {row}.querySelector('.download').href")
    path = "/conversions/" + link.partition("fid=")[2]
    fetched = "const a = await fetch(arguments[0], {method: arguments[1]}); return a.status === 204 || (await a.json()).options"
    script = f"return (async () => {{ {fetched} }})()"
    told = {"quality": "128", "channels": 1, "track": 1, "replaygain": "track", "tags": "none", "title": "A b"}
    assert browser.run(script, path, "GET") == told
    assert browser.run(script, path, "DELETE") is True


def a_refusal_says_why(browser, text):
    browser.type("#files", str(text))
    state = "#uploads li:first-child .state.error"
    browser.until("the refusal is shown", f"{TEXT}?.includes(': ')", state)
    assert browser.run("return document.querySelector('#uploads li:first-child .again').hidden")
    browser.click("#uploads li:first-child .remove")


def a_reload_keeps_the_session_and_lists_the_mp3(browser):
    browser.call("POST", "/refresh", {})
    browser.until("the list is there", "document.querySelectorAll('#conversions li[data-state=done]').length === 1")
    assert browser.run(f"return {TEXT}", "#conversions li[data-state=done] .name") == "a b.mp4"


def a_delete_removes_it(browser):
    browser.click("#conversions li[data-state=done] .remove")
    browser.accept()
    done = "document.querySelectorAll('#conversions li[data-state=done]').length === 0"
    browser.until("the row is gone", done)
    browser.call("POST", "/refresh", {})
    browser.until("the deck is there", VISIBLE, "#deck")
    assert browser.run(f"return {done}")


@contextlib.contextmanager
def an_upload_that_stays_silent(url, video):
    """Takes the one place of a conversion until the `with` block is left; then its client is gone."""
    address = url.removeprefix("http://")
    with contextlib.closing(http.client.HTTPConnection(address)) as login:
        basic = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        login.request("POST", "/login", headers={"Authorization": f"Basic {basic}"})
        token = json.load(login.getresponse())["token"]
    with contextlib.closing(http.client.HTTPConnection(address)) as upload:
        upload.putrequest("PUT", "/upload/silent.mp4")
        for name, value in {"Authorization": f"Bearer {token}", "Content-Length": video.stat().st_size}.items():
            upload.putheader(name, str(value))
        upload.endheaders(video.read_bytes()[:-1])
        yield


def send_to_the_queue(browser, name):
    """As a program does that need not wait for the mp3."""
    init = "{method: 'PUT', body: window.video, headers: {Prefer: 'respond-async'}}"
    assert browser.run(f"return (async () => (await fetch(arguments[0], {init})).status)()", f"/upload/{name}") == 202


def a_queued_conversion_is_shown_cancelled_and_followed(browser, url, video):
    row = "document.querySelector('#conversions li[data-state=queued]')"
    keep = "window.video = new Blob([Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0))])"
    browser.run(keep, base64.b64encode(video.read_bytes()).decode())
    with an_upload_that_stays_silent(url, video):
        running = "(await (await fetch('/conversions')).json()).conversions[0].state === 'running'"
        browser.until("the silent upload has the place", f"(async () => {running})()")
        for name in ["cancelled.mp4", "followed.mp4"]:
            send_to_the_queue(browser, name)
        browser.call("POST", "/refresh", {})
        browser.until("both wait", "document.querySelectorAll('#conversions li[data-state=queued]').length === 2")
        state = browser.run(f"return {row}.querySelector('.state').innerText")
        assert state.startswith("In the queue"), state
        if folder := os.environ.get("PAGE_PICTURES"):
            browser.run("conversions.scrollIntoView()")
            browser.picture(pathlib.Path(folder) / "queued.png")
        browser.click("#conversions li[data-state=queued]:nth-child(2) .remove")
        browser.until("one is cancelled", "document.querySelectorAll('#conversions li[data-state=queued]').length === 1")
        assert browser.run(f"return {row}.querySelector('.name').innerText") == "followed.mp4"
    browser.until("the other one is done", "document.querySelector('#conversions li[data-state=done] audio')?.src")
    names = browser.run("return [...document.querySelectorAll('#conversions li[data-state=done] .name')].map((n) => n.innerText)")
    assert names == ["followed.mp4"], names


def a_logout_ends_the_session(browser):
    browser.click("#logout")
    browser.until("the login form is there", VISIBLE, "#login")
    assert browser.run("return (async () => (await fetch('/conversions')).status)()") == 401


def the_documentation_is_styled_and_complete(browser, url):
    browser.open(f"{url}/docs")
    assert browser.run("return document.styleSheets.length === 1 && document.querySelectorAll('table').length > 3")


def nothing_was_blocked(browser):
    """Refusals that the test asked for are logged, too; a broken policy or script is anything else."""
    asked_for = re.compile(r"/(login|conversions\?limit=\d+|conversions|upload/\S+) .*status of (401|415|422)")
    # A look at a conversion may be under way while it is cancelled.
    cancelled = re.compile(r"/conversions/[0-9a-f]{32} .*status of 404")
    complaints = [line for line in browser.complaints() if not asked_for.search(line) and not cancelled.search(line)]
    assert not complaints, complaints


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        video, text = folder / "a b.mp4", folder / "text.mp4"
        make_video(video, 3)
        text.write_text("This is no video.\n" * 100)
        with Tapedeck(program, folder / "data") as url, Browser(folder / "profile") as browser:
            browser.open(url)
            a_wrong_password_is_told(browser)
            a_login_leaves_no_token_to_scripts(browser)
            an_upload_becomes_an_mp3_that_plays(browser, video)
            options_of_the_form_reach_the_conversion(browser, video)
            a_refusal_says_why(browser, text)
            a_reload_keeps_the_session_and_lists_the_mp3(browser)
            a_delete_removes_it(browser)
            a_queued_conversion_is_shown_cancelled_and_followed(browser, url, video)
            a_logout_ends_the_session(browser)
            the_documentation_is_styled_and_complete(browser, url)
            nothing_was_blocked(browser)
    print("the page works")


if __name__ == "__main__":
    main(sys.argv[1])
