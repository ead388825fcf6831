// SPDX-License-Identifier: MIT
// Import, export and differences by regctl, since a page can't hand out descriptors. Its refusals are told in
// its own words.

const superuser = "try";
const COMMENT = "--comment=import by the page in Cockpit";

export class Commands {
    constructor(cockpit) {
        this.cockpit = cockpit;
    }

    async #run(words, { input, isBinary = false } = {}) {
        const process = this.cockpit.spawn(["regctl", ...words], { superuser, err: "message", ...(isBinary && { binary: true }) });
        if (input !== undefined)
            process.input(input);
        try {
            return await process;
        } catch (error) {
            throw new Error(error.message.replace(/^regctl: /, ""));
        }
    }

    // @bytes: a .reg file, or a hive that becomes the key @at. What would be done: the report's numbers.
    async tryImport(bytes, at) {
        const told = await this.#run(["--json", "import", "--dry-run", ...(at ? [`--at=${at}`] : []), "-"], { input: bytes, isBinary: true });
        return JSON.parse(new TextDecoder().decode(told)).report;
    }

    applyImport(bytes, { at, trial }) {
        return this.#run(["import", COMMENT, ...(trial ? [`--confirm-within=${trial}`] : []), ...(at ? [`--at=${at}`] : []), "-"], { input: bytes, isBinary: true });
    }

    // The bytes of a .reg file.
    export(path) {
        return this.#run(["export", "--", path, "-"], { isBinary: true });
    }

    // Between the key as it was at a revision and as it is now: lines with "-" and "+", without what secrets hold.
    // Its exit code is 1 if they differ.
    compare(path, revision) {
        return this.cockpit.spawn(["sh", "-c", 'regctl diff --hide-secrets -- "$1" "$2"; [ $? -lt 2 ]', "sh", `${path}@${revision}`, path], { superuser, err: "message" });
    }
}
