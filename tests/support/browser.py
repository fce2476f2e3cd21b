"""Shows pages in a real Chromium. One JSON object per line in, one per line out.

serve:      serves a folder on loopback; gives its address
start:      a new browser: `scheme` light or dark, `width`, `scripts` (whether the pages' scripts run)
open:       opens an address; gives `requests` (all that the page asked for) and `console` (errors and warnings)
run:        gives what a piece of JavaScript returns
keys:       sends keys to the page (`Tab`, `Enter`, or text), with Control held if `control` says so
axe:        lets axe-core look at the page; gives what it finds to be serious or critical
screenshot: saves the whole page as a PNG file
html5:      parse errors of a file by html5lib
"""
import base64
import functools
import http.server
import json
import os
import shutil
import sys
import tempfile
import threading

import html5lib
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.chrome.service import Service

HEIGHT = 900
# On a machine with much else to do, axe-core takes its time.
PATIENCE = 180  # seconds


class Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".torrent": "application/x-bittorrent",
    }

    def log_message(self, *_):
        pass


class Stage:
    def __init__(self):
        self.browser = None
        self.profile = None

    def serve(self, question):
        handler = functools.partial(Quiet, directory=question["folder"])
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return {"address": f"http://127.0.0.1:{server.server_address[1]}/"}

    def start(self, question):
        self.stop()
        self.profile = tempfile.mkdtemp(prefix="podseed-browser-")
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--hide-scrollbars", f"--user-data-dir={self.profile}",
            f"--window-size=1200,{HEIGHT}",
        ]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.browser.set_script_timeout(PATIENCE)
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": question.get("scheme", "light")}],
        })
        # A narrow window of a desktop's Chromium is 500 pixels wide at least; a phone is not.
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": question.get("width", 1200), "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False,
        })
        self.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {
            "value": not question.get("scripts", True),
        })
        return {}

    def open(self, question):
        for log in ["browser", "performance"]:
            self.browser.get_log(log)
        self.browser.get(question["address"])
        return self.logs(question)

    def logs(self, _question):
        events = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return {
            "requests": [params["request"]["url"] for params in sent],
            "console": [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] != "INFO"],
        }

    def run(self, question):
        return {"value": self.browser.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "Promise.resolve((() => {" + question["script"] + "})()).then(done, (error) => done(String(error)));"
        )}

    def keys(self, question):
        actions = ActionChains(self.browser)
        if question.get("control"):
            actions.key_down(Keys.CONTROL)
        for key in question["keys"]:
            actions.send_keys(getattr(Keys, key.upper()) if len(key) > 1 and hasattr(Keys, key.upper()) else key)
        if question.get("control"):
            actions.key_up(Keys.CONTROL)
        actions.perform()
        return {}

    def axe(self, question):
        with open(question["axe"], encoding="utf-8") as script:
            self.browser.execute_script(script.read())
        found = self.browser.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']}).then(done, (error) => done({error: String(error)}));"
        )
        return {
            "rules": len(found["passes"]),
            "violations": [
                {
                    "rule": violation["id"],
                    "impact": violation["impact"],
                    "help": violation["help"],
                    "where": [node["html"][:200] for node in violation["nodes"][:3]],
                }
                for violation in found["violations"]
            ],
        }

    def screenshot(self, question):
        size = self.browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        picture = self.browser.execute_cdp_cmd("Page.captureScreenshot", {
            "captureBeyondViewport": True,
            "clip": {
                "x": 0, "y": 0, "width": size["width"],
                "height": min(size["height"], question.get("height", 4000)), "scale": 1,
            },
        })
        with open(question["file"], "wb") as out:
            out.write(base64.b64decode(picture["data"]))
        return {}

    def html5(self, question):
        parser = html5lib.HTMLParser(strict=False)
        with open(question["file"], "rb") as page:
            parser.parse(page, transport_encoding="utf-8")
        return {"errors": [[position, code, data] for position, code, data in parser.errors]}

    def stop(self):
        if self.browser:
            self.browser.quit()
            shutil.rmtree(self.profile, ignore_errors=True)
        self.browser = None


stage = Stage()
ASKED = {"serve", "start", "open", "logs", "run", "keys", "axe", "screenshot", "html5"}
try:
    for line in sys.stdin:
        question = json.loads(line)
        try:
            assert question["ask"] in ASKED, question
            answer = getattr(stage, question["ask"])(question)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
finally:
    stage.stop()
