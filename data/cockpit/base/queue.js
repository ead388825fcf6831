// SPDX-License-Identifier: MIT
// At most so many calls at once; the others wait in the order in which they came. The bus allows a
// connection only so many replies that it waits for, and all pages share one connection.

export const CALLS_AT_ONCE = 16;

export class Queue {
    #waiting = [];
    #running = 0;

    constructor(limit = CALLS_AT_ONCE) {
        this.limit = limit;
    }

    // Runs @task (which gives a promise) when its turn comes.
    run(task) {
        return new Promise((resolve, reject) => {
            this.#waiting.push({ task, resolve, reject });
            this.#next();
        });
    }

    #next() {
        if (this.#running >= this.limit || this.#waiting.length === 0)
            return;
        const { task, resolve, reject } = this.#waiting.shift();
        this.#running++;
        Promise.resolve().then(task).then(resolve, reject).finally(() => {
            this.#running--;
            this.#next();
        });
    }
}
