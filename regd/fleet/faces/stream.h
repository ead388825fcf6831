/* SPDX-License-Identifier: MIT */
/* The records of a re-sync as they come by a descriptor: for each the sizes of its key and its
 * record (u32), the revision that made it (u64), the key and the record, little-endian; at the end
 * 0xFFFFFFFF, 0 and how many there were. */
#ifndef REGD_FLEET_FACES_STREAM_H
#define REGD_FLEET_FACES_STREAM_H

#include "regd/files/transfer.h"

/* Reads to the end mark and adds to @records, of FleetRecord. INVALID_VALUE: it ends too early or
 * is malformed. Called on the transfer's thread. */
gboolean fleet_stream_read(Transfer *transfer, GPtrArray *records, GError **error);

#endif
