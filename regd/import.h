/* Reading a .reg file from a stranger's descriptor into a Change, on a thread:
 * the main loop never waits for it. Knows no D-Bus and applies nothing. */
#ifndef REGD_IMPORT_H
#define REGD_IMPORT_H

#include "client/base/regfile.h"
#include "regd/work.h"

/* On the main context, exactly once. @change is the callee's, NULL where
 * @error says why. @report is borrowed. */
typedef void (*ImportRead)(Change *change, const RegfileReport *report, const GError *error,
                           gpointer data);

/* Takes ownership of @descriptor. LIMIT_EXCEEDED: more than LIMIT_FILE_BYTES, or
 * @stall_seconds without a byte; INVALID_VALUE: it can't be read, or the parser
 * refuses it. @released is called on the main context with @release_data once
 * the thread is done with the file, which a hostile one can put off for ever. */
void import_read(Work *work, int descriptor, gboolean strict, guint stall_seconds, ImportRead done,
                 gpointer data, GDestroyNotify released, gpointer release_data);

/* Makes @change one that adds what is not there and leaves the rest. */
void import_only_missing(Change *change);

#endif
