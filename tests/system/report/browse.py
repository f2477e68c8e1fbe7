# SPDX-License-Identifier: MIT
"""Opens a report in headless Chromium over its debugging pipe, and runs a probe in the page.

browse.py FILE [--width=N] [--height=N] [--dark] [--at=#HASH] [--screenshot=FILE.png]
          [--probe=probe.js | --no-probe]

Prints the probe's lines. Fails with a line "FAIL ..." when the page complains on its console or asks
for anything but itself.
"""
import argparse
import base64
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time

LIMIT_SECONDS = 120


class Browser:
    """Messages end in a NUL; a command's answer has its id, everything else is an event."""

    def __init__(self, profile):
        to_read, self.to_browser = os.pipe()
        self.from_browser, to_write = os.pipe()

        def descriptors():  # Chromium reads 3 and writes 4
            read, write = os.dup(to_read), os.dup(to_write)
            os.dup2(read, 3)
            os.dup2(write, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", f"--user-data-dir={profile}",
             "--remote-debugging-pipe"],
            preexec_fn=descriptors, close_fds=False, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.buffer = b""
        self.next = 0
        self.session = None
        self.events = []
        self.end = time.monotonic() + LIMIT_SECONDS

    def message(self):
        while b"\0" not in self.buffer:
            left = self.end - time.monotonic()
            if left <= 0 or not select.select([self.from_browser], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self.from_browser, 1 << 20)
            if not piece:
                raise EOFError("the browser has ended")
            self.buffer += piece
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def command(self, method, **parameters):
        self.next += 1
        request = {"id": self.next, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.next:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message())

    def close(self):
        self.process.kill()
        self.process.wait()


def complaints(events, url):
    for event in events:
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            yield "exception: " + parameters["exceptionDetails"].get("text", "?")
        elif event.get("method") == "Log.entryAdded":
            yield "console: " + parameters["entry"]["text"]
        elif event.get("method") == "Runtime.consoleAPICalled":
            yield "console." + parameters["type"]
        elif event.get("method") == "Network.requestWillBeSent":
            if parameters["request"]["url"] != url.split("#")[0]:
                yield "request: " + parameters["request"]["url"]


def look(browser, options):
    url = pathlib.Path(options.file).resolve().as_uri() + options.at
    target = browser.command("Target.createTarget", url="about:blank")["targetId"]
    attached = browser.command("Target.attachToTarget", targetId=target, flatten=True)
    browser.session = attached["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
        browser.command(domain + ".enable")
    browser.command("Emulation.setDeviceMetricsOverride", width=options.width,
                    height=options.height, deviceScaleFactor=1, mobile=False)
    browser.command("Emulation.setEmulatedMedia", features=[
        {"name": "prefers-color-scheme", "value": "dark" if options.dark else "light"}])
    browser.events.clear()
    begin = time.monotonic()
    browser.command("Page.navigate", url=url)
    browser.wait("Page.loadEventFired")
    browser.command("Runtime.evaluate", awaitPromise=True, expression="new Promise((done) => "
                    "requestAnimationFrame(() => requestAnimationFrame(done)))")
    print(f"figure opened_ms {(time.monotonic() - begin) * 1000:.0f}")
    if options.screenshot:
        size = browser.command("Page.getLayoutMetrics")["cssContentSize"]
        picture = browser.command("Page.captureScreenshot", captureBeyondViewport=True, clip={
            "x": 0, "y": 0, "width": options.width, "height": min(size["height"],
                                                                  options.height), "scale": 1})
        pathlib.Path(options.screenshot).write_bytes(base64.b64decode(picture["data"]))
    if not options.no_probe:
        body = "".join(pathlib.Path(__file__).with_name(name).read_text(encoding="utf-8")
                       for name in ("checks.js", options.probe))
        result = browser.command("Runtime.evaluate", expression=f"(() => {{{body}}})()", awaitPromise=True,
                                 returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            print("FAIL probe:", details.get("exception", {}).get("description", details["text"]))
        else:
            print(result["result"]["value"])
    for text in complaints(browser.events, url):
        print("FAIL", text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--screenshot")
    parser.add_argument("--at", default="")
    parser.add_argument("--probe", default="probe.js")
    parser.add_argument("--no-probe", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            look(browser, options)
            print("probe done")
        except (TimeoutError, EOFError, RuntimeError) as error:
            print("FAIL", error)
            sys.exit(1)
        finally:
            browser.close()


main()
