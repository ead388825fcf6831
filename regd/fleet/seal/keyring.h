/* SPDX-License-Identifier: MIT */
/* The keys of the setting Key File, with which hosts of a fleet seal and open secret values. They
 * are wiped when they are freed, and no message tells anything of what the file holds. */
#ifndef REGD_FLEET_SEAL_KEYRING_H
#define REGD_FLEET_SEAL_KEYRING_H

#include <glib.h>

#define FLEET_KEY_BYTES 32U
/* Tells keys apart without telling anything of them. */
#define FLEET_KEY_ID_BYTES 4U
#define FLEET_LIMIT_KEYS 64U

typedef struct {
  guint8 id[FLEET_KEY_ID_BYTES];
  guint8 key[FLEET_KEY_BYTES];
} FleetSealKey;

/* The first key seals, all open. */
typedef struct {
  guint n_keys; /* 1 at least */
  FleetSealKey keys[FLEET_LIMIT_KEYS];
} FleetKeyring;

/* @text: lines of 64 hexadecimal digits; empty ones are skipped. INVALID_VALUE: another line, none,
 * or more than FLEET_LIMIT_KEYS. */
FleetKeyring *fleet_keyring_parse(const char *text, gsize size, GError **error);
/* The same from @file. ACCESS_DENIED: it can't be read, it is no regular file, or everybody may
 * read it. Messages name the file. */
FleetKeyring *fleet_keyring_load(const char *file, GError **error);
void fleet_keyring_free(FleetKeyring *keyring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetKeyring, fleet_keyring_free)

#endif
