// SPDX-License-Identifier: MIT
// The interface org.regd.Registry1, as functions that give promises. Refusals are errors with the
// registry's own text (`message`) and name (`name`).
import { Queue } from "../base/queue.js";
import { same } from "../base/path.js";
import { _ } from "../base/text.js";

export const NAME = "org.regd.Registry1";
const OBJECT = "/org/regd/Registry1";

export const ERROR = {
    conflict: `${NAME}.Error.Conflict`,
    refused: "org.freedesktop.DBus.Error.AccessDenied",
    noKey: `${NAME}.Error.KeyNotFound`,
    historyGone: `${NAME}.Error.HistoryGone`,
};

const PAGE_SIZE = 10000;
const SEARCH_SIZE = 1000; // values of a page: a search shows what it finds, and stops, between two
const NO_DATA = { t: "s", v: "" };

// Text and bytes past this length are cut in lists; the form of a value reads it whole.
const KEPT = 1024;

const plainOf = dict => Object.fromEntries(Object.entries(dict).map(([name, variant]) => [name, variant.v]));

// What a change shows: its data stay variants {t, v}.
const changeOf = dict => ({
    kind: dict.kind.v, key: dict.key.v, name: dict.name.v, purged: dict.purged?.v ?? false,
    before: dict["old-type"] && { type: dict["old-type"].v, data: dict["old-data"] },
    after: dict["new-type"] && { type: dict["new-type"].v, data: dict["new-data"] },
});

const planOf = ([, changes]) => changes.map(([kind, key, name]) => ({ kind, key, name }));

const revisionOf = dict => ({ ...plainOf(dict), changes: (dict.changes?.v ?? []).map(changeOf) });

// What reading methods are asked for: numbers of 64 bits as text, since the page's own are exact to 2^53 only;
// and no secret, so that none is ever in the page.
const READING = { "numbers-as-text": { t: "b", v: true }, "hide-secrets": { t: "b", v: true } };

// A value as a list keeps it: 100,000 of them have to fit into the page. @revisions: who made each, by number.
function valueOf(dict, revisions) {
    const { data } = dict;
    const isCut = (data?.t === "s" || data?.t === "ay") && data.v.length > KEPT;
    return { ...plainOf(dict), data: isCut ? { t: data.t, v: data.v.slice(0, KEPT) } : data, isCut, isStored: true,
             isSecret: dict.secret?.v ?? false, origin: revisions.get(dict.revision.v) };
}

export class Registry {
    constructor(cockpit) {
        this.cockpit = cockpit;
        this.queue = new Queue(); // the other services' calls wait in it, too: the bus counts them together
        this.asksPolkit = false;
    }

    // Also again, after the connection has been lost.
    connect({ onChanged, onOwner, onClose }) {
        this.client = this.cockpit.dbus(NAME, { bus: "system", superuser: "try" });
        this.client.subscribe({ interface: NAME, path: OBJECT, member: "Changed" }, (_path, _face, _member, words) => onChanged(words));
        this.client.addEventListener("owner", (_event, owner) => onOwner(owner));
        this.client.addEventListener("close", onClose);
    }

    call(method, words, type, how = {}) {
        return this.queue.run(() => this.client.call(OBJECT, NAME, method, words, { type, ...how }));
    }

    // ---- reading ----

    async listKeys(key) {
        return (await this.call("ListKeys", [key], "s"))[0];
    }

    // The values of one key, page by page: [{ name, type, data, isCut, isStored, isSecret, origin, problem, locked, ... }].
    // @isWanted() is asked before each page.
    async listValues(key, isWanted = () => true) {
        const values = [];
        const revisions = new Map();
        let cursor = "";
        do {
            const options = { ...READING, limit: { t: "u", v: PAGE_SIZE }, cursor: { t: "s", v: cursor } };
            const [, found, heads, next] = await this.call("ReadValues", [key, options], "sa{sv}");
            for (const head of heads)
                revisions.set(head.revision.v, plainOf(head));
            for (const value of found)
                values.push(valueOf(value, revisions));
            cursor = next;
        } while (cursor !== "" && isWanted());
        return values;
    }

    // A page of the key and of all below it that may be read, without secrets: { keys: [{ key, values: [{ name, type,
    // data }] }], cursor }; cursor "": it is the last.
    async readTree(key, cursor) {
        const options = { ...READING, limit: { t: "u", v: SEARCH_SIZE }, "skip-unreadable": { t: "b", v: true }, cursor: { t: "s", v: cursor } };
        const [, keys, next] = await this.call("ReadTree", [key, options], "sa{sv}");
        return { keys: keys.map(([path, values]) => ({ key: path, values: values.map(([name, type, data]) => ({ name, type, data })) })), cursor: next };
    }

    // One value with all of its data. undefined: there is none of that name.
    async findValue(key, name) {
        const found = (await this.listValues(key)).find(value => same(value.name, name));
        if (found?.isCut) {
            const [, data] = await this.call("GetValue", [key, name], "ss");
            return { ...found, data, isCut: false };
        }
        return found;
    }

    // What a schema says; `default` stays a variant.
    async describe(key, name = "") {
        const [described] = await this.call("Describe", [key, name], "ss");
        return { ...plainOf(described), default: described.default };
    }

    async getKeyInfo(key) {
        return plainOf((await this.call("GetKeyInfo", [key, {}], "sa{sv}"))[0]);
    }

    // The path by which signals name the key. Of a key that is not there, only a watch knows it.
    async resolve(key) {
        try {
            return (await this.getKeyInfo(key)).path;
        } catch {
            const [id, , path] = await this.call("Watch", [key, { recursive: { t: "b", v: false } }], "sa{sv}").catch(() => [null, null, key]);
            if (id !== null)
                this.unwatch(id);
            return path;
        }
    }

    async getHistory(key, { limit = 100, before } = {}) {
        const options = { ...READING, limit: { t: "u", v: limit } };
        if (before !== undefined)
            options.before = { t: "t", v: before };
        return (await this.call("GetHistory", [key, options], "sa{sv}"))[0].map(revisionOf);
    }

    async listTrials() {
        return (await this.call("ListTrials", [READING], "a{sv}"))[0].map(revisionOf);
    }

    async getAcl(key) {
        const [origin, entries] = await this.call("GetAcl", [key], "s");
        return { origin, entries };
    }

    async checkAccess(key, principal, how) {
        return (await this.call("CheckAccess", [key, principal, {}], "ssa{sv}", how))[0];
    }

    // ---- writing: each is one commit. `trial`: seconds after which it is undone unless it is kept. ----

    #writing({ trial, comment = _("by the page in Cockpit") } = {}) {
        return { comment: { t: "s", v: comment }, ...(trial && { "confirm-within": { t: "u", v: trial } }) };
    }

    // Once the reader has asked for more rights, polkit may be asked at each of them.
    #write(method, words, type) {
        return this.call(method, words, type, this.asksPolkit ? { flags: "i" } : {});
    }

    // @operations: [op, key, name?, type?, data?]
    async commit(operations, how) {
        const full = operations.map(([op, key, name = "", type = 0, data = NO_DATA]) => [op, key, name, type, data]);
        return (await this.#write("Commit", [full, this.#writing(how)], "a(sssuv)a{sv}"))[0];
    }

    // Both give what they change, or with dryRun would: [{ kind, key, name }].
    async rollback(key, revision, how) {
        return planOf(await this.#write("Rollback", [key, revision, this.#planning(how)], "sta{sv}"));
    }

    async undo(revision, how) {
        return planOf(await this.#write("Undo", [revision, this.#planning(how)], "ta{sv}"));
    }

    #planning({ dryRun = false, ...how }) {
        return { ...this.#writing(how), ...(dryRun && { "dry-run": { t: "b", v: true } }) };
    }

    async setAcl(key, entries, how) {
        return (await this.#write("SetAclWithOptions", [key, entries, this.#writing(how)], "sa(ss)a{sv}"))[0];
    }

    confirm(revision) {
        return this.#write("Confirm", [revision], "t");
    }

    endTrial(revision) {
        return this.#write("EndTrial", [revision], "t");
    }

    // ---- watching ----

    async watch(key) {
        return (await this.call("Watch", [key, {}], "sa{sv}"))[0];
    }

    unwatch(id) {
        return this.client.call(OBJECT, NAME, "Unwatch", [id], { type: "u" }).catch(() => {});
    }
}
