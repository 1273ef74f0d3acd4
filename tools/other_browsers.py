"""Firefox and WebKit (the engine of Safari), each as one window that selenium drives by its own protocol.

Playwright drives neither as Debian has them. Firefox speaks WebDriver BiDi itself; WebKit has a driver, and needs
a screen.
"""

import base64
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.bidi.browsing_context import BrowsingContext
from selenium.webdriver.common.bidi.input import Input
from selenium.webdriver.common.bidi.script import Script
from selenium.webdriver.common.bidi.session import Session
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.remote.websocket_connection import WebSocketConnection
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

from tools.lab import NoBrowser

START = 60  # s, for a browser to start: a machine may have other work
ANSWER = 120  # s, for whatever it is asked

DARK = {"layout.css.prefers-color-scheme.content-override": 0}
LIGHT = {"layout.css.prefers-color-scheme.content-override": 1}
CALM = {"ui.prefersReducedMotion": 1}
FORCED_COLOURS = {"browser.display.document_color_use": 2}
TOUCH = {"dom.w3c_touch_events.enabled": 1}
QUIET = {  # a browser that asks nobody for anything
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.prefs.recommended": True,
    "services.settings.server": "",
    "toolkit.telemetry.enabled": False,
}


class Window:
    """What both windows can do."""

    def until(self, condition, what, *arguments, patience=60):
        """Wait until the JavaScript function `condition` gives something true; else TimeoutError says `what`."""
        end = time.monotonic() + patience
        while not self.run(condition, *arguments):
            if time.monotonic() > end:
                raise TimeoutError(f"{type(self).__name__}, after {patience} s: {what}")
            time.sleep(0.02)


class Firefox(Window):
    """A window of Firefox with these settings; what went wrong on its pages is in `trouble`."""

    def __init__(self, width=1280, height=800, **settings):
        program = shutil.which("firefox-esr") or shutil.which("firefox")
        if not program:
            raise NoBrowser("no Firefox: install your system's (Debian: apt install firefox-esr)")
        self.trouble = []
        self.folder = tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True)
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in (QUIET | settings).items()]
        (Path(self.folder.name) / "user.js").write_text("\n".join(lines))
        self.log = open(Path(self.folder.name) / "log", "w+")
        command = [program, "--headless", "--no-remote", "--profile", self.folder.name, "--remote-debugging-port", "0"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, env=without_a_screen())
        try:
            self.wire = WebSocketConnection(f"{self.address()}/session", ANSWER, 0.005)
            Session(self.wire).new({})
            self.script, self.hand, self.pages = Script(self.wire), Input(self.wire), BrowsingContext(self.wire)
            self.page = self.pages.create(type="tab")  # the first has no focus: there keys press no button
            self.script.add_console_message_handler(self.on_message)
            self.script.add_javascript_error_handler(self.on_message)
        except BaseException:
            self.close()
            raise
        self.resize(width, height)

    def address(self):
        """Where Firefox listens, once it says so."""
        for _ in range(10 * START):
            if found := re.search(r"BiDi listening on (ws://\S+)", Path(self.log.name).read_text()):
                return found[1]
            assert self.process.poll() is None, Path(self.log.name).read_text()
            time.sleep(0.1)
        raise TimeoutError(f"Firefox did not start within {START} s: {Path(self.log.name).read_text()}")

    def on_message(self, entry):
        # On a busy machine Firefox may draw a page whose end has not come yet, and then says this of a fraction that
        # is cut in two. test_site.py counts the parts of each formula of the whole page.
        half_read = entry.text.startswith("Invalid markup: Incorrect number of children")
        if entry.level == "error" and not half_read:
            self.trouble.append(entry.text)

    def resize(self, width, height=800):
        self.pages.set_viewport(context=self.page, viewport={"width": width, "height": height})

    def open(self, address):
        self.pages.navigate(context=self.page, url=address, wait="complete")

    def run(self, function, *arguments):
        """What the JavaScript function gives, once it has, for these arguments: plain values."""
        wrapped = f"async (text) => JSON.stringify((await ({function})(...JSON.parse(text))) ?? null)"
        return json.loads(self.script.execute(wrapped, json.dumps(arguments), context_id=self.page)["value"])

    def press(self, *keys, held=()):
        each = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        before, after = ([{"type": kind, "value": key} for key in held] for kind in ("keyDown", "keyUp"))
        self.hand.perform_actions(
            context=self.page, actions=[{"type": "key", "id": "keys", "actions": [*before, *each, *after]}]
        )

    def drag(self, *places, kind="mouse"):
        """Press at the first of these places (x, y) of the window, move over the others, let go."""
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0} for x, y in places]
        actions = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:], {"type": "pointerUp", "button": 0}]
        hand = {"type": "pointer", "id": kind, "parameters": {"pointerType": kind}, "actions": actions}
        self.hand.perform_actions(context=self.page, actions=[hand])

    def printed(self):
        """The page as a PDF on A4."""
        page, margin = {"width": 21.0, "height": 29.7}, dict.fromkeys(("top", "bottom", "left", "right"), 1.8)
        return base64.b64decode(self.pages.print(context=self.page, page=page, margin=margin))

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if hasattr(self, "wire"):
            self.wire.close()
        self.log.close()
        self.folder.cleanup()


def without_a_screen():
    return {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}


class WebKit(Window):
    """A window of WebKitGTK's own small browser, on a screen that nobody sees.

    What its pages complain of can't be read.
    """

    def __init__(self, width=1280, height=800, dark=False):
        driver, screen = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
        programs = [
            path
            for place in ("lib", "lib/*", "libexec")
            for path in glob.glob(f"/usr/{place}/webkit2gtk-4*/MiniBrowser")
        ]
        if not (driver and screen and programs):
            raise NoBrowser("no WebKit with a driver and a screen (Debian: apt install webkit2gtk-driver xvfb)")
        self.trouble = []
        self.folder = tempfile.TemporaryDirectory(prefix="webkit-")
        self.screen = subprocess.Popen(
            [screen, "-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with self.screen.stdout as said:
            display = {"DISPLAY": f":{said.readline().strip()}"}
        theme = {"GTK_THEME": "Adwaita:dark" if dark else "Adwaita"}
        options = Options()
        options.binary_location = programs[-1]
        options.add_argument("--automation")
        # Without a graphics card Mesa stands in for one, and on a busy machine its driver brought WebKit down.
        calm = {"WEBKIT_DISABLE_COMPOSITING_MODE": "1", "NO_AT_BRIDGE": "1"}
        self.service = Service(driver, env=without_a_screen() | display | theme | calm)
        try:
            self.service.start()
            wire = RemoteConnection(client_config=ClientConfig(self.service.service_url))
            self.driver = webdriver.Remote(wire, options=options)
        except BaseException:
            self.close()
            raise
        self.driver.set_script_timeout(ANSWER)
        self.resize(width, height)

    def resize(self, width, height=800):
        """The page's size. The window can't be narrower than 450 px: then the page is in a frame."""
        self.size = (width, height)
        self.driver.switch_to.default_content()  # not the frame of a narrow page
        wanted = window = (max(width, 500), height)
        for _ in range(20):  # the window takes its time, and its frame some of the room
            self.driver.set_window_rect(0, 0, *window)
            inner = self.driver.execute_script("return [innerWidth, innerHeight]")
            if tuple(inner) == wanted:
                return
            time.sleep(0.1)
            inner = self.driver.execute_script("return [innerWidth, innerHeight]")
            window = [max(100, size + want - got) for size, want, got in zip(window, wanted, inner, strict=True)]
        raise AssertionError(f"a window of {wanted} stayed {inner}")

    def open(self, address):
        self.driver.switch_to.default_content()
        width, height = self.size
        framed = width < 500
        if framed:
            frame = Path(self.folder.name) / "frame.html"
            inner = f'<iframe style="border: 0" width={width} height={height} src="{address}"></iframe>'
            frame.write_text(f'<body style="margin: 0">{inner}')
            address = frame.as_uri()
        self.driver.get(address)
        if framed:
            self.driver.switch_to.frame(0)

    def run(self, function, *arguments):
        wrapped = (
            "const done = arguments[1];"
            f"Promise.resolve(({function})(...JSON.parse(arguments[0]))).then("
            "(value) => done(JSON.stringify(value ?? null)), (error) => done({ error: String(error) }))"
        )
        answer = self.driver.execute_async_script(wrapped, json.dumps(arguments))
        assert isinstance(answer, str), f"{answer} in {function}"
        return json.loads(answer)

    def press(self, *keys, held=()):
        actions = webdriver.ActionChains(self.driver)
        for key in held:
            actions.key_down(key)
        actions.send_keys(*keys)
        for key in held:
            actions.key_up(key)
        actions.perform()

    def drag(self, *places):
        hand = ActionBuilder(self.driver, mouse=PointerInput("mouse", "hand"), duration=0)
        for k, (x, y) in enumerate(places):
            hand.pointer_action.move_to_location(round(x), round(y))
            if k == 0:
                hand.pointer_action.pointer_down()
        hand.pointer_action.pointer_up()
        hand.perform()

    def close(self):
        try:
            if hasattr(self, "driver"):
                self.driver.quit()
        finally:
            self.service.stop()
            self.screen.terminate()
            self.screen.wait()
            self.folder.cleanup()
