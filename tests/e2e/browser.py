"""A headless Chromium for tests, spoken to over pipes in the DevTools protocol: no port, no library."""

import base64
import collections
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

SECONDS = 120


def find():
    """The program, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chromium-headless-shell")


class Browser:
    """One window with one page."""

    def __init__(self, width=1200, height=800):
        self.folder = tempfile.mkdtemp(prefix="pyspy-browser-")
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()

        def take_pipes():
            # The protocol is on descriptors 3 and 4. Both are moved out of the way first.
            first, second = (os.dup(fd) for fd in (to_browser, from_browser))
            while min(first, second) < 5:
                first, second = os.dup(first), os.dup(second)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            [find(), "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
            + ["--enable-unsafe-swiftshader", "--no-first-run", "--disable-dev-shm-usage"]
            + ["--allow-file-access-from-files", "--user-data-dir=" + self.folder, "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=take_pipes,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.buffer = b""
        self.number = 0
        self.session = None
        self.answer = ""
        self.events = collections.deque()
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        self.ask("Page.enable")
        self.ask("Runtime.enable")
        self.ask("Log.enable")
        self.ask("Network.enable")
        self.resize(width, height)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.write_end)
        os.close(self.read_end)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _message(self, end):
        while b"\0" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.read_end], [], [], left)[0]:
                raise AssertionError("the browser does not answer")
            data = os.read(self.read_end, 1 << 16)
            if not data:
                raise AssertionError("the browser ended")
            self.buffer += data
        text, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(text.decode())

    def _send(self, method, parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write_end, data) :]
        return self.number

    def _answer_dialog(self):
        """With `answer`; the page waits for it."""
        self._send("Page.handleJavaScriptDialog", {"accept": True, "promptText": self.answer})

    def ask(self, method, **parameters):
        """A command's answer. What the page says in between is kept in `events`."""
        number = self._send(method, parameters)
        end = time.monotonic() + SECONDS
        while True:
            answer = self._message(end)
            if answer.get("id") == number:
                if "error" in answer:
                    raise AssertionError("%s: %s" % (method, answer["error"]))
                return answer["result"]
            if answer.get("method") == "Page.javascriptDialogOpening":
                self._answer_dialog()
            if "method" in answer:
                self.events.append(answer)

    def resize(self, width, height):
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    def prefer(self, scheme):
        """light or dark."""
        self.ask(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
        )

    def open(self, path, fragment=""):
        self.events.clear()
        self.ask("Page.navigate", url="about:blank")
        self.ask("Page.navigate", url="file://%s%s" % (os.path.abspath(path), fragment))
        self.wait("document.readyState === 'complete' && location.protocol === 'file:'")

    def run(self, expression):
        """The value of an expression in the page."""
        answer = self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError("%s: %s" % (expression, answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait(self, expression, seconds=60):
        end = time.monotonic() + seconds
        while not self.run(expression):
            if time.monotonic() > end:
                raise AssertionError("not within %d s: %s" % (seconds, expression))
            time.sleep(0.05)

    def move(self, x, y):
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def click_on(self, expression, x=0.5, y=0.5):
        """Click with the mouse on an element, at these parts of its box."""
        self.click(*self.place_of(expression, x, y))

    def place_of(self, expression, x=0.5, y=0.5):
        box = self.run(
            "(() => { const e = %s; e.scrollIntoView({block: 'nearest'});"
            " const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()" % expression
        )
        return box[0] + box[2] * x, box[1] + box[3] * y

    def key(self, name, text="", code=0, modifiers=0):
        """Press a key and let it go: "Tab", "Enter", "Escape", "a"."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
                 "ArrowDown": 40, " ": 32}
        code = codes.get(name, ord(name.upper()) if len(name) == 1 else code)
        text = {"Enter": "\r", " ": " "}.get(name, text or (name if len(name) == 1 else ""))
        for kind in ("keyDown", "keyUp"):
            self.ask(
                "Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=code,
                text=text if kind == "keyDown" else "", modifiers=modifiers,
            )

    def type(self, text):
        self.ask("Input.insertText", text=text)

    def screenshot(self, path=None):
        """PNG bytes of what is seen."""
        data = base64.b64decode(self.ask("Page.captureScreenshot")["data"])
        if path:
            with open(path, "wb") as file:
                file.write(data)
        return data

    def complaints(self):
        """What went wrong in the page: exceptions, errors on its console, refused or asked for resources."""
        found = []
        for event in self.events:
            parameters = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append(parameters["exceptionDetails"])
            elif event["method"] == "Log.entryAdded" and parameters["entry"]["level"] == "error":
                found.append(parameters["entry"])
            elif event["method"] == "Runtime.consoleAPICalled" and parameters["type"] == "error":
                found.append(parameters["args"])
        return found

    def requests(self):
        """Addresses that the page asked for, but for data within it."""
        urls = [
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in urls if not url.startswith(("data:", "about:"))]
