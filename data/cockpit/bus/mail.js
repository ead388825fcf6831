// SPDX-License-Identifier: MIT
// The interface org.regd.MailAuth1, as functions that give promises.
import { Queue } from "../base/queue.js";

export const NAME = "org.regd.MailAuth1";
const OBJECT = "/org/regd/MailAuth1";

const plainOf = dict => Object.fromEntries(Object.entries(dict).map(([name, variant]) => [name, variant.v]));

export class Mail {
    constructor(cockpit) {
        this.queue = new Queue();
        this.client = cockpit.dbus(NAME, { bus: "system", superuser: "try" });
    }

    call(method, words = [], type = "") {
        return this.queue.run(() => this.client.call(OBJECT, NAME, method, words, { type }));
    }

    // Calls back for each event, and with null when the server has gone or come back.
    listen({ onEvent, onOwner }) {
        this.client.subscribe({ interface: NAME, path: OBJECT, member: "Event" }, (_path, _face, _member, [event]) => onEvent(plainOf(event)));
        this.client.addEventListener("owner", (_event, owner) => onOwner(owner));
        this.client.addEventListener("close", () => onOwner(null));
    }

    async getStatus() {
        return plainOf((await this.call("Status"))[0]);
    }

    async #list(method, words, type) {
        return (await this.call(method, words, type))[0].map(plainOf);
    }

    getEvents(limit = 100) {
        return this.#list("GetEvents", [limit], "u");
    }

    getHeld() {
        return this.#list("GetHeld");
    }

    getSessions() {
        return this.#list("GetSessions", [""], "s");
    }

    release(who) {
        return this.call("Release", [who], "s");
    }

    endSession(user, session) {
        return this.call("EndSessions", [user, session], "st");
    }
}
