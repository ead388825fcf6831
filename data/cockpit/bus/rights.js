// SPDX-License-Identifier: MIT
// What the reader may do, so that a button that would be refused says so beforehand. The registry decides
// all the same; this only asks it.
import { format } from "../base/text.js";
import { parentOf, shorten } from "../base/path.js";
import { ERROR } from "./registry.js";

const MYSELF = "HKEY_CURRENT_USER";
const LEVELS = ["none", "read", "write", "control"];

// The rights at one key.
class Rights {
    constructor(level, path) {
        Object.assign(this, { level, path });
    }

    has(level) {
        return LEVELS.indexOf(this.level) >= LEVELS.indexOf(level);
    }

    // Disables buttons for which the right is missing, and describes why.
    allow(level, ...buttons) {
        const reason = this.has(level) ? null : format("Limited access: you have the right $0 to $1, this takes $2.",
                                                       this.level, shorten(this.path), level);
        for (const each of buttons)
            setAllowed(each, reason);
    }
}

// @reason: why the button can't be used, or null.
export function setAllowed(button, reason) {
    button.disabled = reason !== null;
    if (reason === null) {
        button.removeAttribute("aria-description");
        button.removeAttribute("title");
    } else {
        button.setAttribute("aria-description", reason);
        button.title = reason;
    }
}

export class RightsOfReader {
    #listeners = new Set();

    constructor(cockpit, registry) {
        this.registry = registry;
        this.isAdministrator = true; // until it is known: regd refuses anyhow
        this.asksPolkit = false;
        this.permission = cockpit.permission({ admin: true });
        this.ready = cockpit.user().then(user => {
            this.user = user;
            this.permission.addEventListener("changed", () => this.#learn());
            this.#learn();
        });
    }

    #learn() {
        this.isAdministrator = this.user.id === 0 || this.permission.allowed === true;
        this.#tell();
    }

    #tell() {
        for (const listener of this.#listeners)
            listener();
    }

    listen(listener) {
        this.#listeners.add(listener);
    }

    get isLimited() {
        return !this.isAdministrator && !this.asksPolkit;
    }

    async at(path) {
        await this.ready;
        if (!this.isLimited)
            return new Rights("control", path);
        return new Rights(await this.#levelAt(path), path);
    }

    // That of a key that is not there yet is its parent's; one's own branch is one's own.
    async #levelAt(path) {
        try {
            return await this.registry.checkAccess(path, `user:${this.user.id}`);
        } catch (error) {
            if (error.name !== ERROR.noKey)
                return "none";
        }
        const above = parentOf(path);
        if (above !== "")
            return this.#levelAt(above);
        return path === MYSELF ? "control" : "none";
    }

    // Has polkit asked, by a call that is an administrator's and changes nothing. Throws regd's refusal.
    async askForMore() {
        await this.registry.checkAccess("HKEY_LOCAL_MACHINE", "everyone", { flags: "i" });
        this.asksPolkit = true;
        this.registry.asksPolkit = true;
        this.#tell();
    }
}
