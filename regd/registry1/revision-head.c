/* SPDX-License-Identifier: MIT */
/* See revision-head.h. */
#include "regd/registry1/revision-head.h"

#include <string.h>

/* Who made a commit of the fleet, and where. */
static gboolean append_origin(DBusMessageIter *dict, const HistoryEntry *entry) {
  if (entry->origin == NULL)
    return TRUE;
  const char *at = strrchr(entry->origin, '@');
  g_autofree char *user = at != NULL ? g_strndup(entry->origin, (gsize)(at - entry->origin)) : NULL;
  return wire_append_entry_string(dict, "user", user != NULL ? user : "") &&
         wire_append_entry_string(dict, "host", at != NULL ? at + 1 : entry->origin) &&
         wire_append_entry_uint64(dict, "fleet-revision", entry->fleet_revision) &&
         wire_append_entry_uint64(dict, "fleet-time", (guint64)entry->fleet_time);
}

gboolean append_revision_head(DBusMessageIter *dict, const HistoryEntry *entry) {
  const char *comment = entry->comment != NULL ? entry->comment : "";
  return wire_append_entry_uint64(dict, "revision", entry->revision) &&
         wire_append_entry_uint64(dict, "time", (guint64)entry->time) &&
         wire_append_entry_uint32(dict, "uid", entry->uid) &&
         wire_append_entry_uint32(dict, "pid", entry->pid) &&
         wire_append_entry_string(dict, "program", entry->program) &&
         wire_append_entry_string(dict, "comment", comment) && append_origin(dict, entry);
}
