// SPDX-License-Identifier: MIT
// What became of logins: let in, refused for a reason of the user's, or a fault of the server's. Pure.

const FAULTS = new Set(["accounts-missing", "accounts-denied", "no-broker", "unknown-broker", "broker-unreachable", "broker-failed", "bad-setting",
    "no-mailbox", "backend-unreachable", "backend-refused", "no-certificate", "unusable-hash", "tls-failed"]);

export const KINDS = ["ok", "refused", "fault"];

export function kindOf(reason) {
    if (reason === "ok")
        return "ok";
    return FAULTS.has(reason) ? "fault" : "refused";
}

// { ok, refused, fault } of { reason: number }.
export function sumKinds(counts) {
    const sums = { ok: 0, refused: 0, fault: 0 };
    for (const [reason, number] of Object.entries(counts))
        sums[kindOf(reason)] += number;
    return sums;
}

// The last @size minutes until @now (ms), those without any login too. @minutes: [{ begin (µs), counts }].
export function fillMinutes(minutes, now, size = 60) {
    const MINUTE = 60000;
    const byBegin = new Map(minutes.map(({ begin, counts }) => [Math.floor(begin / 1000 / MINUTE), counts]));
    const last = Math.floor(now / MINUTE);
    return Array.from({ length: size }, (_each, index) => {
        const minute = last - size + 1 + index;
        return { begin: minute * MINUTE, counts: byBegin.get(minute) ?? {} };
    });
}
