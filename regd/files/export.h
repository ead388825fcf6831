/* SPDX-License-Identifier: MIT */
/* A branch as a file: .reg, or JSON. One consistent state; keys are named by
 * the path that was asked for, so that a file from HKCU fits another user.
 *
 * The JSON is one object with a line for each key and each value, in an order
 * that depends on nothing but what is stored:
 *
 *   {"format": "regd", "version": 1, "path": PATH, "keys": [
 *     {"path": PATH, "class": TEXT, "link": TARGET, "volatile": true,
 *      "acl": [{"principal": TEXT, "level": TEXT}, ...], "values": [
 *       {"name": TEXT, "type": "REG_SZ" or NUMBER, "data": DATA, "bytes": HEX}, ...]}, ...]}
 *
 * class, link, volatile and acl are there where the key has them (of its own).
 * DATA is text, a number, a list of texts, or bytes as hexadecimal digits. Data
 * that does not form what its type says is given as such digits, with
 * "malformed": true; bytes is there where what is stored is not what DATA would
 * be stored as (another terminator). */
#ifndef REGD_FILES_EXPORT_H
#define REGD_FILES_EXPORT_H

#include "regd/files/export-format.h"
#include "regd/files/spool.h"
#include "regd/read/reader.h"

typedef struct {
  guint32 keys, values;
  guint32 left_out; /* keys and values that the caller may not read */
  guint64 bytes;
  guint64 revision;
} ExportReport;

/* On a thread; @reader is its own. What is read goes into @spool, whose transfer
 * hears of the progress. */
gboolean export_read(Reader *reader, const Identity *who, const char *key,
                     const ExportOptions *options, Spool *spool, Transfer *transfer,
                     ExportReport *report, GError **error);

#endif
