/* SPDX-License-Identifier: MIT */
/* Windows' hives (the files that its registry lies in), read and written by libhivex. Keys, names,
 * types and bytes go both ways; classes, times and security descriptors do not. Without libhivex
 * at build time each call fails and says so. */
#ifndef CLIENT_HIVE_HIVE_H
#define CLIENT_HIVE_HIVE_H

#include "client/registry.h"

/* Whether @descriptor, a file, is a hive by its first bytes. Its position stays. */
gboolean hive_is_one(int descriptor);

typedef struct {
  guint32 damaged;  /* keys and values that can't be read; 0 unless it was salvaged */
  guint32 nameless; /* keys and values whose names the registry can't hold */
} HiveReport;

/* Writes the hive @from as a .reg file to @to: the root's values and keys become those of @at.
 * INVALID_VALUE: it is no hive, or it is damaged and not to be salvaged; LIMIT_EXCEEDED: more
 * than LIMIT_REGFILE_OPERATIONS, or deeper than LIMIT_DEPTH; FAILED. */
gboolean hive_to_regfile(int from, int to, const char *at, gboolean salvage, HiveReport *report,
                         GError **error);

/* A hive that is being made. */
typedef struct HiveWriter HiveWriter;
/* FAILED: there is no libhivex, or no memory. */
HiveWriter *hive_writer_new(GError **error);
void hive_writer_free(HiveWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HiveWriter, hive_writer_free)
/* Adds a key, @depth below the root (0: the root itself); keys come depth first. FAILED. */
gboolean hive_writer_add_key(HiveWriter *writer, guint depth, const char *name, GError **error);
/* Adds a value to the key that was added last. */
void hive_writer_add_value(HiveWriter *writer, const char *name, const RegistryValue *value);
/* Writes the hive to @descriptor, an empty file. FAILED. */
gboolean hive_writer_finish(HiveWriter *writer, int descriptor, GError **error);

#endif
