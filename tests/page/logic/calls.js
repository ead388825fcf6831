// SPDX-License-Identifier: MIT
// Calls and signals, with a cockpit that the test plays.
import assert from "node:assert/strict";
import test from "node:test";
import { once } from "../page/base/once.js";
import { Queue } from "../page/base/queue.js";
import { EVERYTHING, GONE, Live } from "../page/bus/live.js";
import { Registry } from "../page/bus/registry.js";

const settle = () => new Promise(resolve => setImmediate(resolve));

// A bus of the test's own: @answers[method](words, options) answers a call.
export class FakeCockpit {
    calls = [];
    events = {};

    constructor(answers) {
        this.answers = answers;
    }

    dbus() {
        return {
            call: async (_object, _face, method, words, options) => {
                this.calls.push([method, words, options]);
                return this.answers[method](...words);
            },
            subscribe: (_match, listener) => { this.signal = words => listener(null, null, "Changed", words); },
            addEventListener: (name, listener) => { this.events[name] = words => listener({}, words); },
        };
    }
}

function startLive() {
    let ids = 0;
    const cockpit = new FakeCockpit({ Watch: key => [++ids, 1, key], Unwatch: () => [] });
    const registry = new Registry(cockpit);
    const live = new Live(registry);
    const news = [];
    live.listen(each => news.push(each));
    live.start();
    return { cockpit, live, news };
}

test("no more than sixteen calls wait at once, in order", async () => {
    const queue = new Queue();
    const [begun, ends] = [[], []];
    for (let index = 0; index < 40; index++)
        queue.run(() => new Promise(resolve => { begun.push(index); ends.push(resolve); }));
    await settle();
    assert.equal(begun.length, 16);
    ends.shift()();
    await settle();
    assert.equal(begun.length, 17);
    assert.deepEqual(begun, [...begun].sort((one, other) => one - other));
});

test("a call that fails gives its place to the next", async () => {
    const queue = new Queue(1);
    await assert.rejects(queue.run(() => Promise.reject(new Error("no"))));
    assert.equal(await queue.run(() => Promise.resolve(7)), 7);
});

test("news that come while it is read have it read once more", async () => {
    const ends = [];
    const read = once(() => new Promise(resolve => ends.push(resolve)));
    const all = [read(), read(), read()];
    await settle();
    assert.equal(ends.length, 1);
    read();
    ends[0]();
    await settle();
    assert.equal(ends.length, 2);
    ends[1]();
    await Promise.all(all);
    assert.equal(ends.length, 2);
});

test("signals are told by the watch's id, and a gap has everything read again", async () => {
    const { cockpit, news } = startLive();
    await cockpit.events.owner(":1.1");
    await settle();
    assert.deepEqual(news.splice(0), [EVERYTHING]);
    cockpit.signal([1, 1, 5, [["value-set", "K", "n"]]]);
    cockpit.signal([77, 1, 5, [["value-set", "K", "n"]]]);
    cockpit.signal([1, 3, 6, [["value-set", "K", "n"]]]);
    cockpit.signal([1, 4, 7, [["tree-changed", "K", ""]]]);
    assert.deepEqual(news, [[{ kind: "value-set", key: "K", name: "n" }], EVERYTHING, EVERYTHING]);
});

test("a registry that comes back is watched and read again", async () => {
    const { cockpit, live, news } = startLive();
    await cockpit.events.owner(":1.1");
    await settle();
    cockpit.events.owner(null);
    assert.equal(live.isServed, false);
    cockpit.events.owner(":1.2");
    await settle();
    assert.deepEqual(news, [EVERYTHING, GONE, EVERYTHING]);
    cockpit.signal([3, 1, 9, [["value-set", "K", "n"]]]);
    assert.equal(news.length, 4);
});

test("a page that goes ends its watches", async () => {
    const { cockpit, live } = startLive();
    await cockpit.events.owner(":1.1");
    await settle();
    live.stop();
    assert.deepEqual(cockpit.calls.filter(([method]) => method === "Unwatch").map(([, words]) => words), [[1], [2]]);
});

const variantOf = { string: "s", number: "u" };
const dict = words => Object.fromEntries(Object.entries(words).map(([name, v]) => [name, v.t ? v : { t: variantOf[typeof v], v }]));

test("values come page by page, the large ones cut, each with who set it", async () => {
    const large = dict({ name: "a", type: 1, data: { t: "s", v: "x".repeat(5000) }, revision: 5 });
    const small = dict({ name: "b", type: 4, data: { t: "u", v: 1 }, revision: 6 });
    const secret = dict({ name: "c", revision: 5, secret: { t: "b", v: true } });
    const pages = { "": [7, [large], [dict({ revision: 5, uid: 0 })], "next"], next: [7, [small, secret], [], ""] };
    const cockpit = new FakeCockpit({ ReadValues: (_key, options) => pages[options.cursor.v] });
    const registry = new Registry(cockpit);
    registry.connect({});
    const values = await registry.listValues("K");
    assert.deepEqual(values.map(({ name, isCut, data, origin }) => [name, isCut, String(data?.v).length, origin?.uid]),
                     [["a", true, 1024, 0], ["b", false, 1, undefined], ["c", false, 9, 0]]);
    assert.equal(values[2].isSecret, true);
    assert.ok(cockpit.calls.every(([, [, options]]) => options["hide-secrets"].v && options["numbers-as-text"].v));
});

test("a comment and a trial's time go with a change", async () => {
    const cockpit = new FakeCockpit({ Commit: () => [3] });
    const registry = new Registry(cockpit);
    registry.connect({});
    await registry.commit([["delete-value", "K", "n"]], { trial: 60 });
    const [, [operations, options], how] = cockpit.calls[0];
    assert.deepEqual(operations, [["delete-value", "K", "n", 0, { t: "s", v: "" }]]);
    assert.equal(options["confirm-within"].v, 60);
    assert.deepEqual(how, { type: "a(sssuv)a{sv}" });
});
