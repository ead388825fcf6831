// SPDX-License-Identifier: MIT
// The interface org.regd.MailAuth1, as functions that give promises; and mailauthctl, for what takes a password
// or changes accounts.

export const NAME = "org.regd.MailAuth1";
const OBJECT = "/org/regd/MailAuth1";
const RETRY = 1000; // ms until a connection to the bus is tried again
const GATHER = 300; // ms in which events are told together

export const SERVICES = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services";
export const STORE = `${SERVICES}\\MSExchangeIS\\ParametersSystem`;
export const BROKERS = `${SERVICES}\\MBS\\Instances`;

const plainOf = dict => Object.fromEntries(Object.entries(dict).map(([name, variant]) => [name, variant.v]));

export class Mail {
    #listeners = new Set();
    #events = [];
    isServed = false;

    constructor(cockpit, queue) {
        Object.assign(this, { cockpit, queue });
    }

    start() {
        this.client = this.cockpit.dbus(NAME, { bus: "system", superuser: "try" });
        this.client.subscribe({ interface: NAME, path: OBJECT, member: "Event" }, (_path, _face, _member, [event]) => this.#gather(plainOf(event)));
        this.client.subscribe({ interface: "org.freedesktop.DBus.Properties", path: OBJECT, member: "PropertiesChanged" }, () => this.#tell([]));
        this.client.addEventListener("owner", (_event, owner) => this.#meet(Boolean(owner)));
        this.client.addEventListener("close", () => {
            this.#meet(false);
            setTimeout(() => this.start(), RETRY);
        });
    }

    // @listener({ events, isServed }): new events, or that the server has come or gone.
    listen(listener) {
        this.#listeners.add(listener);
    }

    #meet(isServed) {
        this.isServed = isServed;
        this.#tell([]);
    }

    #gather(event) {
        this.#events.push(event);
        if (this.#events.length === 1)
            setTimeout(() => this.#tell(this.#events.splice(0)), GATHER);
    }

    #tell(events) {
        for (const listener of this.#listeners)
            listener({ events, isServed: this.isServed });
    }

    call(method, words = [], type = "") {
        return this.queue.run(() => this.client.call(OBJECT, NAME, method, words, { type }));
    }

    async #list(method, words, type) {
        return (await this.call(method, words, type))[0].map(plainOf);
    }

    async getStatus() {
        const status = plainOf((await this.call("Status"))[0]);
        return { ...status, certificates: (status.certificates ?? []).map(plainOf) };
    }

    getEvents(limit) {
        return this.#list("GetEvents", [limit], "u");
    }

    // Logins by reason for each of the last 60 minutes: [{ begin, counts }], oldest first.
    async getCounts() {
        const [, minutes] = await this.call("GetCounts");
        return minutes.map(([begin, counts]) => ({ begin, counts }));
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

    // ---- mailauthctl: what it prints, and its own words where it refuses ----

    async #run(words, input) {
        const process = this.cockpit.spawn(["mailauthctl", ...words], { superuser: "try", err: "message" });
        if (input !== undefined)
            process.input(`${input}\n`);
        try {
            return await process;
        } catch (error) {
            throw new Error(error.message.replace(/^mailauthctl: /, ""));
        }
    }

    async #ask(words, input) {
        return JSON.parse(await this.#run(["--json", ...words], input));
    }

    // What it prints as JSON, also with an exit code that says no.
    #askAnyway(words, input) {
        let printed = "";
        const process = this.cockpit.spawn(["mailauthctl", "--json", ...words], { superuser: "try", err: "message" });
        process.stream(text => { printed += text; });
        process.input(`${input}\n`);
        return process.then(() => JSON.parse(printed), error => {
            if (printed.trim() === "")
                throw new Error(error.message.replace(/^mailauthctl: /, ""));
            return JSON.parse(printed);
        });
    }

    repair() {
        return this.#run(["repair"]);
    }

    test(user, protocol, password) {
        return this.#askAnyway(["test", ...(protocol ? [`--protocol=${protocol}`] : []), "--", user], password);
    }

    // @broker: whose members are meant; "" are the native accounts.
    #accounts(broker, ...words) {
        return [...(broker === "" ? ["user"] : ["member", `--broker=${broker}`]), ...words];
    }

    listAccounts(broker) {
        return this.#ask(this.#accounts(broker, "list"));
    }

    // @verb: add, passwd, enable, disable, remove.
    change(broker, verb, name, password) {
        return this.#run(this.#accounts(broker, verb, "--", name), password);
    }

    listAppPasswords(name) {
        return this.#ask(["user", "app-password", "--", name, "list"]);
    }

    addAppPassword(name, label) {
        return this.#run(["user", "app-password", "--", name, "add", label]);
    }

    removeAppPassword(name, label) {
        return this.#run(["user", "app-password", "--", name, "remove", label]);
    }
}
