// SPDX-License-Identifier: MIT
// Reading again after news: news that come while it is read have it read once more, not once each.

export function once(task) {
    let running = null;
    let isStale = false;

    async function work() {
        try {
            do {
                isStale = false;
                await task();
            } while (isStale);
        } finally {
            running = null;
        }
    }

    // Gives a promise of the end of a reading that began after this call.
    return () => {
        isStale = true;
        running ??= work();
        return running;
    };
}
