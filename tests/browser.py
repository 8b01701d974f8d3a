"""Headless Chromium, driven over its debugging pipe (Chrome DevTools Protocol): no package is needed for it."""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--mute-audio"]
FLAGS += ["--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"]


class Browser:
    """One page of a Chromium that keeps its profile in ``folder``; ``errors`` and ``requests`` of the page so far."""

    def __init__(self, folder, *, width=1200, height=900):
        to_browser, self.commands = os.pipe()
        self.answers, from_browser = os.pipe()
        # the browser reads its descriptor 3 and writes to 4
        launch = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        command = [CHROMIUM, *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", launch, "browser", *command],
            pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self.numbers, self.buffer, self.session = itertools.count(1), b"", None
        self.errors, self.requests, self.loaded = [], [], False
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.size(width, height)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session = None
        os.write(self.commands, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.commands)
        os.close(self.answers)

    def send(self, method, **params):
        """What the browser answers."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive(120)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _receive(self, seconds):
        """The next message; events are noted on the way."""
        while b"\0" not in self.buffer:
            if not select.select([self.answers], [], [], seconds)[0]:
                raise TimeoutError("the browser does not answer")
            found = os.read(self.answers, 1 << 20)
            if not found:
                raise RuntimeError("the browser has ended")
            self.buffer += found
        text, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(text)
        params = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.errors.append(json.dumps(params["exceptionDetails"])[:2000])
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "assert", "warning"):
                self.errors.append(" ".join(str(one.get("value", one.get("description"))) for one in params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.errors.append(params["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Page.loadEventFired":
                self.loaded = True
        return message

    def open(self, path):
        """Load a file and wait until it is there with its figures."""
        self.loaded = False
        self.send("Page.navigate", url=Path(path).resolve().as_uri())
        self.until(lambda: self.loaded)
        self.until(
            lambda: self.run("window.Bokeh !== undefined && Bokeh.documents.length > 0 && Bokeh.documents[0].is_idle")
        )

    def until(self, condition, seconds=120):
        """Wait for it."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the page is not as expected")
            self.run("1")
            time.sleep(0.05)

    def run(self, script):
        """Value of a JavaScript expression; promises are awaited."""
        found = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(json.dumps(found["exceptionDetails"])[:2000])
        return found["result"].get("value")

    def size(self, width, height, *, mobile=False):
        """Set the size of the window, in CSS pixels."""
        about = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
        self.send("Emulation.setDeviceMetricsOverride", **about)

    def mouse(self, kind, x, y, *, button="none"):
        """``mouseMoved``, ``mousePressed`` or ``mouseReleased`` at a point of the window."""
        about = {"type": kind, "x": x, "y": y, "button": button, "clickCount": int(kind != "mouseMoved")}
        self.send("Input.dispatchMouseEvent", buttons=int(button == "left"), **about)

    def drag(self, x0, y0, x1, y1):
        """With the left button, from one point of the window to another."""
        self.mouse("mouseMoved", x0, y0)
        self.mouse("mousePressed", x0, y0, button="left")
        for share in (0.3, 0.6, 1):
            self.mouse("mouseMoved", x0 + share * (x1 - x0), y0 + share * (y1 - y0), button="left")
        self.mouse("mouseReleased", x1, y1, button="left")

    def key(self, name):
        """Press a key, such as Tab or Enter."""
        about = {"key": name, "code": name}
        if name == "Enter":
            about |= {"text": "\r", "windowsVirtualKeyCode": 13}
        if name == "Tab":
            about |= {"windowsVirtualKeyCode": 9}
        self.send("Input.dispatchKeyEvent", type="keyDown", **about)
        self.send("Input.dispatchKeyEvent", type="keyUp", **about)

    def screenshot(self, path, *, whole=False):
        """PNG of the window, or of the whole page."""
        found = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(found["data"]))

    def pdf(self, path):
        """The page as it prints."""
        Path(path).write_bytes(base64.b64decode(self.send("Page.printToPDF", printBackground=True)["data"]))
