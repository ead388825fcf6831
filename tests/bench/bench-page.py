# SPDX-License-Identifier: MIT
"""How quick the page in Cockpit is in a headless Chromium. Not a test: run it by hand, on a machine that is idle, as
PYTHONPATH=tests REGD_BUILD_ROOT=build /usr/bin/python3 tests/bench/bench-page.py

First paint: from the start of loading to the first rows of a tree of 10,000 keys. Letter: from a letter in the field
Find over 10,000 values to the next frame. Memory: the heap after all of 100,000 values were shown, garbage collected."""

import statistics

from harness.page import Stage
from harness.registry import REG_DWORD, SOFTWARE

NUMBER = 10000
ROUNDS = 5
BRANCHES = 10
MANY = SOFTWARE + "\\Many"
PAINT = """new MutationObserver((_changes, watcher) => {
    if (document.querySelector(".tree [aria-selected=true]") && document.querySelector(".values-pane :is(.rows-body > .row, button:enabled)")) {
        watcher.disconnect();
        requestAnimationFrame(() => { window.painted = performance.now(); });
    }
}).observe(document, { subtree: true, childList: true, attributes: true });"""
LETTER = """const [text, done] = arguments;
const field = document.querySelector("input[type=search]");
const begun = performance.now();
field.value = text;
field.dispatchEvent(new Event("input"));
requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));"""


def fill(client):
    for branch in range(BRANCHES):
        client.commit([("set-value", f"{MANY}\\b{branch}", f"v{index:05}", REG_DWORD, index) for index in range(NUMBER)])
    for first in range(0, NUMBER, 2500):
        client.commit([("create-key", f"{MANY}\\k{index:05}") for index in range(first, first + 2500)])


def paint(stage, key):
    """The milliseconds until the tree is there, in a page that is loaded anew."""
    stage.page.driver.get("about:blank")
    stage.page.driver.get(stage.cockpit.url("registry", "HKLM", "SOFTWARE", "Many", key))
    stage.page.wait(lambda: stage.page.run("return window.painted"), "the first paint")
    return stage.page.run("return window.painted")


def main():
    stage = Stage()
    fill(stage.client)
    page = stage.page
    page.cdp("Page.addScriptToEvaluateOnNewDocument", source=PAINT)
    for what, key in ((f"{NUMBER} keys", "k00000"), (f"{NUMBER} keys and {NUMBER} values", "b0")):
        paints = [paint(stage, key) for _ in range(ROUNDS)]
        print(f"first paint, {what}: {statistics.median(paints):.0f} ms (of {ROUNDS}: {min(paints):.0f} to {max(paints):.0f})", flush=True)
    page.find("row", "v00000")
    letters = [page.driver.execute_async_script(LETTER, text) for text in ("0", "09", "099", "0999", "09999", "099", "")]
    print(f"letter in Find, {NUMBER} values: {statistics.median(letters):.0f} ms ({min(letters):.0f} to {max(letters):.0f})")
    for branch in range(BRANCHES):
        page.go("registry", "HKLM", "SOFTWARE", "Many", f"b{branch}")
        page.find("row", "v00000")
    page.cdp("HeapProfiler.collectGarbage")
    print(f"memory after {BRANCHES * NUMBER} values: {page.run('return performance.memory.usedJSHeapSize') / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
