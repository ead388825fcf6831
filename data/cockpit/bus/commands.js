// SPDX-License-Identifier: MIT
// Import and export by regctl, since a page can't hand out descriptors. What regctl says goes to the reader as it is.

const superuser = "try";

export class Commands {
    constructor(cockpit) {
        this.cockpit = cockpit;
    }

    async #run(words, input) {
        const process = this.cockpit.spawn(["regctl", ...words], { superuser, err: "message", binary: input !== undefined });
        if (input !== undefined)
            process.input(input);
        const output = await process;
        return typeof output === "string" ? output : new TextDecoder().decode(output);
    }

    // @bytes: a .reg file or a hive. What it would change, as lines of a difference.
    tryImport(bytes) {
        return this.#run(["--dry-run", "import", "-"], bytes);
    }

    applyImport(bytes, trial) {
        return this.#run([...(trial ? [`--confirm-within=${trial}`] : []), "--comment=import by the page in Cockpit", "import", "-"], bytes);
    }

    export(path) {
        return this.#run(["export", path, "-"]);
    }
}
