/* SPDX-License-Identifier: MIT */
/* Reads Key Files for a thread that must not be held up: a file on a server that has gone would
 * hold up whoever opens it. Each is read by a thread of its own, which is waited for a second. */
#ifndef REGD_FLEET_SEAL_KEY_READER_H
#define REGD_FLEET_SEAL_KEY_READER_H

#include "regd/fleet/seal/keyring.h"

/* Belongs to one thread. */
typedef struct FleetKeyReader FleetKeyReader;
FleetKeyReader *fleet_key_reader_new(void);
/* Threads that hang go on, and keep what they need. */
void fleet_key_reader_free(FleetKeyReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetKeyReader, fleet_key_reader_free)

/* fleet_keyring_load(), or ACCESS_DENIED after a second. While a file hangs the next call for it is
 * refused at once. */
FleetKeyring *fleet_key_reader_load(FleetKeyReader *reader, const char *file, GError **error);

#endif
