// SPDX-License-Identifier: MIT
// Looking for words below a key.
import assert from "node:assert/strict";
import test from "node:test";
import { Registry } from "../page/bus/registry.js";
import { search } from "../page/bus/search.js";
import { FakeCockpit } from "./calls.js";

const TOP = "HKLM\\SOFTWARE";
const text = (name, v) => [name, 1, { t: "s", v }];
const PAGES = {
    "": [7, [[TOP, [text("Host", "mail.example.org"), text("Port", "25")]], [`${TOP}\\Mail`, [text("a", "x")]]], "next"],
    next: [7, [[`${TOP}\\Mail`, [text("b", "EMAIL"), ["c", 7, { t: "as", v: ["one", "gmail"] }]]], [`${TOP}\\Other`, [["n", 3, { t: "ay", v: "AQI=" }]]]], ""],
};

function start() {
    const cockpit = new FakeCockpit({ ReadTree: (_key, options) => PAGES[options.cursor.v] });
    const registry = new Registry(cockpit);
    registry.connect({});
    return { cockpit, registry };
}

async function collect(pages) {
    const [found, keys] = [[], []];
    for await (const page of pages) {
        found.push(...page.found.map(({ key, name }) => [key.slice(TOP.length), name]));
        keys.push(page.keys);
    }
    return { found, keys };
}

test("names of keys and values and data are looked at, whatever their case", async () => {
    const { cockpit, registry } = start();
    const { found, keys } = await collect(search(registry, TOP, "mail"));
    assert.deepEqual(found, [["", "Host"], ["\\Mail", undefined], ["\\Mail", "b"], ["\\Mail", "c"]]);
    assert.deepEqual(keys, [2, 1]);
    assert.deepEqual((await collect(search(registry, TOP, "01 02"))).found, [["\\Other", "n"]]);
    assert.deepEqual((await collect(search(registry, TOP, "b"))).found, [["\\Mail", "b"]]);
    assert.ok(cockpit.calls.every(([, [, options]]) => options["hide-secrets"].v && options["skip-unreadable"].v));
});

test("whoever stops between two pages asks for no other", async () => {
    const { cockpit, registry } = start();
    for await (const page of search(registry, TOP, "mail")) {
        assert.equal(page.found.length, 2);
        break;
    }
    assert.equal(cockpit.calls.length, 1);
});
