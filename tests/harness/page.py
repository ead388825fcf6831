# SPDX-License-Identifier: MIT
"""The page in Cockpit: cockpit-ws without a login on a loopback port, on a test's own bus, and a
headless Chromium that looks at it and finds things as people do, by role and name.

    stage = Stage()

    @test
    def a_value_is_made():
        page = stage.page
        page.go("registry", "HKLM", "SOFTWARE", "Acme")
        page.click("button", "New value")
        page.find("dialog", "New value")
"""

import atexit
import base64
import functools
import os
import pwd
import shutil
import socket
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import quote

from harness.bus import wait_until
from harness.case import Failure, Skip
from harness.ports import free_ports
from harness.process import BUILD, SOURCE, Process
from harness.reach import reachable
from harness.registry import Registry

PAGE = SOURCE / "data" / "cockpit"
COCKPIT_WS = Path("/usr/lib/cockpit/cockpit-ws")
BRIDGE = Path("/usr/bin/cockpit-bridge")
CHROMEDRIVER = "/usr/bin/chromedriver"
PATIENCE = 20  # seconds that a page takes at most, on a busy machine
COMMANDS = [BUILD / "client" / "regctl", BUILD / "mailauth" / "mailauthctl"]


def needs_cockpit():
    """Leaves the test out where one of the packages is missing."""
    for path, package in ((COCKPIT_WS, "cockpit-ws"), (BRIDGE, "cockpit-bridge"), (Path("/usr/bin/chromium"), "chromium"),
                          (Path(CHROMEDRIVER), "chromium-driver")):
        if not path.exists():
            raise Skip(f"takes {path} (package {package})")
    try:
        import selenium  # noqa: F401
    except ImportError:
        raise Skip("takes Python's selenium (package python3-selenium)") from None


class Cockpit:
    """cockpit-ws and, once a page is open, its bridge, as `uid` (None: the user who runs the tests)."""

    def __init__(self, registry, uid=None):
        needs_cockpit()
        self.registry, self.uid = registry, uid
        self.home = Path(tempfile.mkdtemp(prefix="regd-test-home-"))
        self.port = free_ports(1)[0]
        self.process = None

    def __enter__(self):
        packages = self.home / ".local" / "share" / "cockpit"
        packages.mkdir(parents=True)
        (packages / "registry").symlink_to(reachable(PAGE))
        (self.home / "run").mkdir(mode=0o700)
        (self.home / "etc").mkdir()
        if self.uid is not None:
            for path in [self.home, *self.home.rglob("*")]:
                os.chown(path, self.uid, self.uid, follow_symlinks=False)
        self.start()
        return self

    def environment(self):
        bus = self.registry.bus.address
        user = pwd.getpwuid(self.uid if self.uid is not None else os.geteuid()).pw_name
        commands = ":".join(str(reachable(path)) for path in COMMANDS if path.exists())
        return {"DBUS_SYSTEM_BUS_ADDRESS": bus, "DBUS_SESSION_BUS_ADDRESS": bus, "HOME": str(self.home), "USER": user, "LOGNAME": user,
                "XDG_RUNTIME_DIR": str(self.home / "run"), "XDG_DATA_HOME": str(self.home / ".local" / "share"),
                "XDG_CONFIG_DIRS": str(self.home / "etc"), "PATH": f"{commands}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8",
                "G_MESSAGES_DEBUG": ""}

    def start(self):
        self.process = Process(self.home, "cockpit-ws", [str(COCKPIT_WS), f"--local-session={BRIDGE}", "--no-tls", "-a", "127.0.0.1",
                                                         "-p", str(self.port)], self.environment(), self.uid)
        wait_until(self.is_listening, "cockpit-ws to listen")

    def is_listening(self):
        if not self.process.is_running():
            raise Failure(f"cockpit-ws ended\n{self.process.output()}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def url(self, *route):
        return f"http://127.0.0.1:{self.port}/cockpit/@localhost/registry/index.html#/" + "/".join(quote(part, safe="") for part in route)

    def __exit__(self, *_):
        self.process.kill()
        shutil.rmtree(self.home, ignore_errors=True)


# The words of ARIA where Chromium's own differ.
ROLES = {"img": "image"}
# Resolves when the page changes, or after a moment: what is waited for may be a layout or an answer.
NEXT_CHANGE = """const done = arguments[0];
const watcher = new MutationObserver(() => end());
const clock = setTimeout(() => end(), 200);
function end() { watcher.disconnect(); clearTimeout(clock); done(); }
watcher.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });"""

MOST_STOPS = 150  # of the keyboard in one page
# What is wrong with the focus; "": nothing.
FOCUS_PROBLEM = """const element = document.activeElement;
if (!element || element === document.body) return "nothing has the focus";
const tell = `${element.tagName} ${element.getAttribute("aria-label") ?? element.textContent.trim().slice(0, 40)}`;
if (element.getClientRects().length === 0) return `${tell} has the focus and is hidden`;
const { outlineStyle, outlineWidth } = getComputedStyle(element);
if (outlineStyle === "none" || parseFloat(outlineWidth) < 2) return `${tell} does not show its focus`;
return "";"""


class Browser:
    """One headless Chromium with the page open. What is looked for is waited for."""

    def __init__(self, cockpit, size=(1200, 800)):
        self.cockpit, self.size = cockpit, size
        self.home = Path(tempfile.mkdtemp(prefix="regd-test-browser-"))
        self.driver = None

    def __enter__(self):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--lang=en",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
                     "--enable-precise-memory-info", "--force-device-scale-factor=1", f"--user-data-dir={self.home}", f"--window-size={self.size[0]},{self.size[1]}"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service(CHROMEDRIVER), options=options)
        self.driver.set_script_timeout(PATIENCE)
        self.resize(*self.size)
        self.cdp("Accessibility.enable")
        return self

    def __exit__(self, kind, _error, _trace):
        if kind is not None:
            for line in self.messages():
                print(f"# page: {line}", flush=True)
        self.close()

    def close(self):
        """As if somebody had pulled the plug: the page is not asked."""
        if self.driver:
            self.driver.quit()
            self.driver = None
        shutil.rmtree(self.home, ignore_errors=True)

    def cdp(self, method, **words):
        return self.driver.execute_cdp_cmd(method, words)

    def resize(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def set_dark(self, is_dark):
        scheme = "dark" if is_dark else "light"
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def go(self, *route):
        """Leads the page that is open there, without what it asked; loads it if it is not."""
        self.run("document.querySelectorAll('dialog').forEach(dialog => dialog.close())")
        self.driver.get(self.cockpit.url(*route))

    def reload(self):
        self.driver.refresh()

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def messages(self):
        """What the page told its console: errors above all."""
        return [f"{entry['level']} {entry['message']}" for entry in self.driver.get_log("browser")]

    def picture(self, path):
        Path(path).write_bytes(base64.b64decode(self.cdp("Page.captureScreenshot", format="png")["data"]))

    # ---- finding ----

    def nodes(self, role, name=None, within=None):
        """The nodes of the accessibility tree, hidden ones left out: (name, description, id)."""
        if within is None:
            root = {"objectId": self.cdp("Runtime.evaluate", expression="document")["result"]["objectId"]}
        else:
            self.run("window.testRoot = arguments[0]", within)
            root = {"objectId": self.cdp("Runtime.evaluate", expression="window.testRoot")["result"]["objectId"]}
        words = root | {"role": ROLES.get(role, role)} | ({} if name is None else {"accessibleName": name})
        found = self.cdp("Accessibility.queryAXTree", **words)["nodes"]
        return [node for node in found if not node["ignored"] and "backendDOMNodeId" in node]

    def element(self, node):
        """The element of a node, for selenium."""
        answer = self.cdp("DOM.resolveNode", backendNodeId=node["backendDOMNodeId"])
        self.cdp("Runtime.callFunctionOn", objectId=answer["object"]["objectId"], functionDeclaration="function () { window.testFound = this; }")
        return self.run("return window.testFound")

    def look(self, role, name=None, within=None):
        """All elements of that role (and name) that are there at this moment."""
        from selenium.common.exceptions import WebDriverException
        try:
            return [self.element(node) for node in self.nodes(role, name, within)]
        except WebDriverException:
            return []  # the page has drawn itself anew meanwhile

    def names(self, role, within=None):
        return [node["name"]["value"] for node in self.nodes(role, None, within)]

    def find(self, role, name=None, within=None):
        """The first one, once it is there."""
        what = f"{role} {name!r}" if name is not None else role
        return self.wait(lambda: next(iter(self.look(role, name, within)), None), what)

    def wait(self, condition, what):
        """Looks again whenever the page has changed."""
        from selenium.common.exceptions import ElementClickInterceptedException, StaleElementReferenceException
        end = time.monotonic() + PATIENCE
        while True:
            # Drawn anew while it was looked at, or moved on while it was clicked.
            with suppress(StaleElementReferenceException, ElementClickInterceptedException):
                if result := condition():
                    return result
            if time.monotonic() > end:
                raise Failure(f"{what} did not come about in {PATIENCE} s; the page says: {self.text()[:500]}")
            self.driver.execute_async_script(NEXT_CHANGE)

    def wait_gone(self, role, name=None):
        self.wait(lambda: not self.look(role, name), f"the end of {role} {name!r}")

    def text(self):
        return self.run("return document.body.innerText")

    def wait_for_text(self, text, role=None, name=None):
        """Until the text is in the element (in the page without one)."""
        def has_it():
            if role is None:
                return text in self.text()
            return any(text in self.text_of(element) for element in self.look(role, name))
        self.wait(has_it, f"{text!r} in {role or 'the page'} {name or ''}")

    def text_of(self, element):
        return self.run("return arguments[0].innerText ?? arguments[0].textContent", element)

    # ---- doing ----

    def click(self, role, name=None, within=None):
        def click_it():
            element = next(iter(self.look(role, name, within)), None)
            if element is not None:
                element.click()
            return element is not None
        self.wait(click_it, f"{role} {name!r}, to be clicked")

    def type(self, role, name, text, within=None):
        """Replaces what a field holds, by the keyboard."""
        from selenium.webdriver.common.keys import Keys

        def type_it():
            element = next(iter(self.look(role, name, within)), None)
            if element is None:
                return False
            element.send_keys(Keys.CONTROL, "a")
            element.send_keys(text if text else Keys.DELETE)
            return True
        self.wait(type_it, f"{role} {name!r}, to be typed into")

    def change_value(self, name, data):
        """Of the key that is open in the section Registry, until its row has the new data."""
        self.click("row", name)
        self.click("button", "Edit")
        self.type("textbox", "Data", data)
        self.click("button", "Save")
        self.wait_for_text(data, "row", name)

    def press(self, *keys):
        """Keys for whatever has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains
        ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self):
        return self.driver.switch_to.active_element

    # ---- the keyboard ----

    def check_focus(self, what):
        """Something has the focus, is in sight, and shows that it has it."""
        if problem := self.run(FOCUS_PROBLEM):
            raise Failure(f"{what}: {problem}")

    def has_focus(self, element):
        return self.run("return document.activeElement === arguments[0]", element)

    def tab_to(self, role, name=None, within=None):
        """As somebody without a mouse gets there: stop by stop from where the focus is. Each stop is looked at."""
        from selenium.webdriver.common.keys import Keys
        for _ in range(MOST_STOPS):
            if self.wait(lambda: [self.has_focus(self.find(role, name, within))], name)[0]:
                return
            self.press(Keys.TAB)
            if self.focused().tag_name != "body":  # the browser's own, after the last one of the page
                self.check_focus(f"on the way to {role} {name!r}")
        raise Failure(f"{role} {name!r} is not reached by the keyboard")

    def wait_for_focus(self, role, name=None, within=None):
        self.wait(lambda: self.has_focus(self.find(role, name, within)), f"{role} {name!r} to have the focus")
        self.check_focus(f"{role} {name!r}")


class Stage:
    """What the tests of one file share: a registry, Cockpit and a browser, made when the first test asks
    for them (which is left out where they can't be had). @registry makes the registry, @cockpit what serves the page."""

    def __init__(self, uid=None, registry=Registry, cockpit=Cockpit):
        self.uid, self.make_registry, self.make_cockpit = uid, registry, cockpit
        self.stack = ExitStack()
        atexit.register(self.stack.close)

    @functools.cached_property
    def registry(self):
        needs_cockpit()
        return self.stack.enter_context(self.make_registry())

    @functools.cached_property
    def client(self):
        return self.registry.client

    @functools.cached_property
    def cockpit(self):
        return self.stack.enter_context(self.make_cockpit(self.registry, self.uid))

    @functools.cached_property
    def page(self):
        return self.stack.enter_context(Browser(self.cockpit))
