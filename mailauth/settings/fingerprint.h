/* SPDX-License-Identifier: MIT */
/* Fingerprints of certificates: what `Backend Fingerprint` may be. One or several with
 * spaces in between (the next certificate's beside today's): 64 hexadecimal digits, with or
 * without colons, and with or without "sha256:" in front. Pure. */
#ifndef MAILAUTH_SETTINGS_FINGERPRINT_H
#define MAILAUTH_SETTINGS_FINGERPRINT_H

#include <glib.h>

#define FINGERPRINT_BYTES 32

/* TRUE also for none: "". */
gboolean fingerprints_are_valid(const char *text);
/* Whether @digest (a certificate's SHA-256) is among them. */
gboolean fingerprints_have(const char *text, const guint8 digest[FINGERPRINT_BYTES]);

#endif
