// SPDX-License-Identifier: MIT
// Names of users, from their numbers, as far as this machine knows them.

export class Users {
    #names = new Map([[0, "root"]]);

    constructor(cockpit) {
        this.ready = cockpit.file("/etc/passwd").read().then(text => this.take(text ?? ""), () => {});
    }

    take(text) {
        for (const line of text.split("\n")) {
            const [name, , number] = line.split(":");
            if (name && number !== undefined && !this.#names.has(Number(number)))
                this.#names.set(Number(number), name);
        }
    }

    show(uid) {
        return this.#names.get(uid) ?? String(uid);
    }
}
