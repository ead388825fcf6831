// SPDX-License-Identifier: MIT
// The time by the machine's clock, which a browser's may differ from: deadlines and ages are the machine's.

export class Clock {
    #ahead = 0; // ms that the machine is before this browser

    constructor(cockpit) {
        const asked = Date.now();
        this.ready = cockpit.spawn(["date", "+%s%3N"]).then(text => this.set(Number(text), (asked + Date.now()) / 2), () => {});
    }

    set(there, here = Date.now()) {
        if (Number.isFinite(there))
            this.#ahead = there - here;
    }

    // ms since 1970
    now() {
        return Date.now() + this.#ahead;
    }
}
