// SPDX-License-Identifier: MIT
// Moments, as regd tells them: microseconds since 1970.
import { _, count, format, locale } from "./text.js";

export const dateOf = microseconds => new Date(Number(microseconds) / 1000);

export function show(microseconds) {
    return dateOf(microseconds).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "medium" });
}

// "3 minutes ago" for what is recent, else the date.
export function showAge(microseconds, now = Date.now()) {
    const seconds = Math.max(0, Math.round((now - Number(microseconds) / 1000) / 1000));
    if (seconds < 60)
        return _("just now");
    if (seconds < 3600)
        return count("$0 minute ago", "$0 minutes ago", Math.floor(seconds / 60));
    if (seconds < 86400)
        return count("$0 hour ago", "$0 hours ago", Math.floor(seconds / 3600));
    return show(microseconds);
}

// What is left of a trial: 95 s left, 9 min 45 s left, 2 h 5 min 0 s left.
export function showLeft(seconds) {
    const left = Math.max(0, Math.ceil(seconds));
    if (left < 120)
        return format("$0 s left", left);
    if (left < 3600)
        return format("$0 min $1 s left", Math.floor(left / 60), left % 60);
    return format("$0 h $1 min $2 s left", Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60);
}
