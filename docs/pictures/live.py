"""Takes a picture of a live page when something holds on it, by way of chromedriver.

live.py LINK PNG WIDTH HEIGHT SCHEME (dark, light) HOLDS (an expression of JavaScript)
"""

import base64
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

link, png, wide, high, scheme, holds = sys.argv[1:]
driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
port = next(found[1] for line in driver.stdout if (found := re.search(r"on port ([1-9]\d*)", line)))


def ask(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    url = f"http://127.0.0.1:{port}/session{path}"
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["value"]


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
    switches = "headless no-sandbox disable-gpu disable-dev-shm-usage no-first-run disable-background-networking hide-scrollbars"
    options = {"args": [f"--{switch}" for switch in switches.split()] + [f"--user-data-dir={profile}"]}
    wanted = {"browserName": "chrome", "goog:chromeOptions": options}
    session = "/" + ask("POST", "", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
    try:
        metrics = {"width": int(wide), "height": int(high), "deviceScaleFactor": 1, "mobile": False}
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        for command, given in [("setDeviceMetricsOverride", metrics), ("setEmulatedMedia", media)]:
            ask("POST", session + "/goog/cdp/execute", {"cmd": f"Emulation.{command}", "params": given})
        ask("POST", session + "/url", {"url": link})
        script = {"script": f"return Boolean({holds})", "args": []}
        while not ask("POST", session + "/execute/sync", script):
            time.sleep(0.05)
        with open(png, "wb") as picture:
            picture.write(base64.b64decode(ask("GET", session + "/screenshot")))
    finally:
        ask("DELETE", session)
        driver.terminate()
