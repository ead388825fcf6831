// SPDX-License-Identifier: MIT
// The interface org.regd.Fleet1, which regd serves; there where a fleet is set up.
import { GONE } from "./live.js";

const FACE = "org.regd.Fleet1";
const OBJECT = "/org/regd/Fleet1";

const plainOf = dict => Object.fromEntries(Object.entries(dict).map(([name, variant]) => [name, variant.v]));

export class Fleet {
    #listeners = new Set();
    #client = null; // the connection whose signals are listened to
    isServed = false; // whether this host has a fleet

    constructor(registry) {
        this.registry = registry;
        this.queue = registry.queue;
    }

    // After each start of regd, and with each change of state.
    start(live) {
        live.listen(news => {
            if (news === GONE || Array.isArray(news))
                return;
            this.#subscribe();
            this.#learn();
        });
    }

    // Once for each connection: that everything is to be read again is told more often.
    #subscribe() {
        const { client } = this.registry;
        if (client === this.#client)
            return;
        this.#client = client;
        client.subscribe({ interface: FACE, path: OBJECT, member: "StateChanged" }, () => this.#learn());
    }

    listen(listener) {
        this.#listeners.add(listener);
    }

    async #learn() {
        const { state } = await this.getStatus().catch(() => ({ state: "off" }));
        this.isServed = state !== "off";
        for (const listener of this.#listeners)
            listener();
    }

    async #call(method, words = [], type = "") {
        return (await this.queue.run(() => this.registry.client.call(OBJECT, FACE, method, words, { type })))[0];
    }

    async getStatus() {
        return plainOf(await this.#call("GetStatus"));
    }

    async listHosts() {
        return (await this.#call("ListHosts", [{}], "a{sv}")).map(plainOf);
    }

    // [{ record, problem, revision }]
    async listProblems() {
        return (await this.#call("ListProblems")).map(([record, problem, revision]) => ({ record, problem, revision }));
    }
}
