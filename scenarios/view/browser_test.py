"""Drives Chromium through its debugging pipe (no package beyond Python's own) and looks at what a page shows."""
import base64
import json
import os
import subprocess
import sys

WORK = sys.argv[1]
SHOTS = os.environ.get("POWERCUT_SHOTS", "")


class Browser:
    def __init__(self):
        to_read, self.to = os.pipe()
        self.frm, from_write = os.pipe()

        def wire():  # Chromium reads from 3 and writes to 4
            os.dup2(to_read, 103)
            os.dup2(from_write, 104)
            os.dup2(103, 3)
            os.dup2(104, 4)
        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe",
             "--user-data-dir=" + os.path.join(WORK, "profile"), "about:blank"],
            preexec_fn=wire, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.buffer = b""
        self.number = 0
        self.complaints = []
        self.loaded = False
        target = self.call("Target.createTarget", {"url": "about:blank"}, None)["targetId"]
        self.session = None
        self.session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True}, None)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def call(self, method, params=None, session="own"):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params or {}}
        if session == "own":
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(method + ": " + answer["error"]["message"])
                return answer["result"]

    def receive(self):
        while b"\0" not in self.buffer:
            piece = os.read(self.frm, 1 << 20)
            if not piece:
                raise RuntimeError("Chromium has gone")
            self.buffer += piece
        one, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(one)
        method = message.get("method")
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(message["params"]["exceptionDetails"])[:400])
        elif method == "Log.entryAdded":
            self.complaints.append(message["params"]["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and message["params"]["type"] in ("error", "warning"):
            self.complaints.append(json.dumps(message["params"]["args"])[:400])
        elif method == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            if not url.startswith(("file://" + WORK, "about:")):
                self.complaints.append("asks for " + url)
        elif method == "Page.loadEventFired":
            self.loaded = True
        return message

    def open(self, name, width, height, fragment=""):
        self.call("Emulation.setDeviceMetricsOverride",
                  {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
        for url in ("about:blank", "file://" + os.path.join(WORK, name) + fragment):
            self.loaded = False
            self.call("Page.navigate", {"url": url})
            while not self.loaded:
                self.receive()

    def ask(self, expression):
        result = self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:400])
        return result["result"].get("value")

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            event = {"type": kind, "key": key}
            if kind == "keyDown" and len(key) == 1:
                event["text"] = key
            self.call("Input.dispatchKeyEvent", event)

    def shot(self, name):
        if not SHOTS:
            return
        picture = self.call("Page.captureScreenshot", {"format": "png"})
        with open(os.path.join(SHOTS, name + ".png"), "wb") as file:
            file.write(base64.b64decode(picture["data"]))


failures = []


def expect(what, value, wanted=True):
    if value != wanted:
        failures.append(f"{what}: {value!r}, not {wanted!r}")


def text(browser, id):
    return browser.ask(f"document.getElementById('{id}').innerText")


def common(browser, name, width):
    where = f"{name} at {width}"
    expect(where + ": ready", browser.ask("document.body.dataset.ready"), "yes")
    expect(where + ": no sideways scrolling", browser.ask("document.documentElement.scrollWidth <= innerWidth"))
    expect(where + ": every button has a name", browser.ask(
        "[...document.querySelectorAll('button')].every(b => b.textContent.trim() || b.title)"))
    expect(where + ": buttons can be hit with a finger", browser.ask(
        "[...document.querySelectorAll('nav button')].every(b => b.getBoundingClientRect().height >= 32)"))


def lost(browser, width):
    browser.open("lost.html", width, 900)
    common(browser, "lost", width)
    expect("it begins at the beginning", browser.ask("document.body.dataset.at"), "0")
    for _ in range(3):
        browser.press("ArrowRight")
    expect("an arrow steps", browser.ask("document.body.dataset.at"), "3")
    browser.press("o")
    expect("o goes to an operation", "operation 1 is applied" in text(browser, "what"))
    browser.press("c")
    expect("c goes to the cut", browser.ask("document.body.dataset.kind"), "dark")
    expect("memory is dark", browser.ask("document.getElementById('pipeline').className"), "dead")
    expect("slots are undecided", browser.ask("document.querySelectorAll('.how.open').length > 2"))
    browser.press("ArrowRight")
    expect("then one is decided", browser.ask("document.body.dataset.kind"), "slot")
    expect("and says which", browser.ask("document.querySelector('.column .how').innerText"), "old")
    browser.shot(f"cut-{width}")
    browser.press("r")
    expect("r goes to the recovery", browser.ask("document.body.dataset.kind"), "recovery")
    browser.press("v")
    expect("v goes to the verdict", browser.ask("document.body.dataset.kind"), "verdict")
    expect("which is broken", "an acknowledged write is lost (LAW)" in text(browser, "what"))
    expect("three columns", browser.ask("document.querySelectorAll('.column').length"), 3)
    expect("the first breaks, the last holds", browser.ask(
        "[...document.querySelectorAll('.column .result')].map(r => r.className.includes('held')).join()"), "false,false,true")
    expect("the exact numbers", "12 legal images: ✗ 10 break the promise" in text(browser, "columns"))
    expect("a sync would have helped", "With this sync it holds" in text(browser, "remedies"))
    browser.shot(f"verdict-{width}")
    browser.press("3")
    expect("the best keeps it", "✓ held" in text(browser, "what"))
    browser.press("2")
    expect("the worst does not", "✗ broken" in text(browser, "what"))
    browser.press("4")
    browser.ask("for (const s of [...document.querySelectorAll('.column select')].slice(0, 3)) "
                "{ s.value = s.options[s.options.length - 1].value; s.dispatchEvent(new Event('change')); }")
    for _ in range(3):  # a choice draws the others anew
        browser.ask("{ const s = [...document.querySelectorAll('.column')][0].querySelectorAll('select'); for (const one of s) "
                    "{ if (one.value !== one.options[one.options.length - 1].value) { one.value = one.options[one.options.length - 1].value; "
                    "one.dispatchEvent(new Event('change')); break; } } }")
    expect("all that was written, chosen slot by slot, is there", "✓ held" in text(browser, "what"))
    expect("bytes of a client are no markup", browser.ask("document.querySelectorAll('main b').length"), 0)
    expect("a step leads to its event", browser.ask(
        "(() => { document.querySelector('#because button').click(); return document.body.dataset.kind; })()"), "frame")
    browser.press("/")
    expect("/ goes to the search", browser.ask("document.activeElement.id"), "search")
    browser.ask("document.getElementById('search').value = 'segment'; document.activeElement.blur()")
    browser.press("t")
    expect("a table has it all", browser.ask("document.querySelectorAll('#rows tr').length > 30"))
    browser.press("?")
    expect("help opens", browser.ask("document.getElementById('keys').open"))


def held(browser, width):
    browser.open("held.html", width, 900, "#120")
    common(browser, "held", width)
    expect("a link leads to a moment", browser.ask("document.body.dataset.at"), "120")
    expect("nothing breaks it", "none of them breaks the promise" in text(browser, "hangs"), True)
    browser.shot(f"held-{width}")
    browser.press("v")
    expect("the verdict", "✓ held" in text(browser, "what"))
    browser.press("d")
    browser.shot(f"held-dark-{width}")


def toy(browser, width):
    browser.open("toy.html", width, 900, "#verdict")
    common(browser, "toy", width)
    expect("another engine has a verdict, too", "held" in text(browser, "what"))
    expect("and operations", browser.ask("document.querySelectorAll('#operations tr').length > 3"))


browser = Browser()
for width in (360, 1920):
    lost(browser, width)
    held(browser, width)
    toy(browser, width)
browser.call("Emulation.setEmulatedMedia", {"media": "print"})
expect("print leaves the buttons out", browser.ask("getComputedStyle(document.querySelector('nav')).display"), "none")
for complaint in browser.complaints:
    failures.append("the console: " + complaint)
browser.process.terminate()
browser.process.wait()
for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
