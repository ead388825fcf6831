/* SPDX-License-Identifier: MIT */
/* Work on a stranger's descriptor, on a thread of its own: the main loop waits
 * for nothing, and a file that does not get on ends the call. Knows no D-Bus,
 * and not what is read or written. */
#ifndef REGD_FILES_TRANSFER_H
#define REGD_FILES_TRANSFER_H

#include "client/threads/workers.h"

typedef struct Transfer Transfer;

/* On the thread. FALSE: *@error is set. */
typedef gboolean (*TransferRun)(Transfer *transfer, gpointer data, GError **error);
/* On the main context, exactly once, also if the workers are abandoned. With @error (borrowed) the
 * thread may be at work on @data still. */
typedef void (*TransferDone)(gpointer data, const GError *error);

/* Takes ownership of @descriptor. LIMIT_EXCEEDED: @stall_seconds without
 * progress. @what names the file in messages; a literal. @destroy frees @data on
 * the main context once the thread is done with the file, which a hostile one
 * can put off for ever. */
void transfer_start(Workers *workers, int descriptor, const char *what, guint stall_seconds,
                    TransferRun run, TransferDone done, gpointer data, GDestroyNotify destroy);

/* ---- on the thread ---- */

/* INVALID_VALUE: the descriptor is not open for writing. */
gboolean transfer_require_writable(const Transfer *transfer, GError **error);
/* At most @size bytes: how many, 0 at the end, -1 with @error. Moves the position of the open file,
 * which its owner shares and may watch. */
gssize transfer_read(Transfer *transfer, void *bytes, gsize size, GError **error);
/* All of it. */
gboolean transfer_write(Transfer *transfer, const void *bytes, gsize size, GError **error);
/* All of an own file, from its beginning on. */
gboolean transfer_write_file(Transfer *transfer, int file, GError **error);
/* Something has got on that is not the descriptor's. FALSE: the call has ended
 * meanwhile, there is no use in going on; *@error is set. */
gboolean transfer_note_progress(Transfer *transfer, GError **error);

#endif
