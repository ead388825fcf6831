/* SPDX-License-Identifier: MIT */
/* org.regd.Registry1 on the bus: the tables, and what its handlers share. Each
 * handler decodes, asks the service, and encodes; it decides nothing. */
#ifndef REGD_BUS_FACE_H
#define REGD_BUS_FACE_H

#include "client/bus/dispatch.h"
#include "client/bus/wire.h"
#include "regd/base/work.h"
#include "regd/bus/callers.h"
#include "regd/bus/outbox.h"
#include "regd/bus/reply-cache.h"
#include "regd/read/long-reads.h"
#include "regd/service/service.h"

/* What the handlers work with: the data of the dispatch tables. */
typedef struct {
  Service *service;
  Work *work;
  Readings *readings;
  Answers *answers;
  const char *database;       /* its file */
  DBusConnection *connection; /* this and the next two: NULL while there is no bus */
  Callers *callers;
  Outbox *outbox;
} Face;

extern const DispatchInterface iface_interfaces[];

/* Identifies the caller and takes his share before the handler runs. */
void iface_admit(DispatchCall *call, gpointer data);
/* To be called with each message before it is handled. Whoever has lost signals is
 * told to read again before he is answered, though he may not have read what went
 * before: else his call, which brings in all that was signalled, would seem to
 * have brought in what was not. TRUE: it is answered, with an error. */
gboolean iface_meet(DBusMessage *message, Face *face);
/* ServiceEvents.changed: sends one Changed. */
gboolean iface_send_changed(const Watch *watch, guint64 revision, const WatchChange *changes,
                            guint n_changes, gpointer data);

/* ---- for the handlers ---- */

/* Whoever calls; borrowed. */
Identity *iface_caller(const DispatchCall *call);
/* The string at @iter, which moves on; borrowed from the call. */
const char *iface_take_string(DBusMessageIter *iter);
guint32 iface_take_uint32(DBusMessageIter *iter);
guint64 iface_take_uint64(DBusMessageIter *iter);
/* The a{sv} at @iter, which moves on. */
WireOptions *iface_take_options(DBusMessageIter *iter, GError **error);

/* One of the files that a user may have under way at once. */
typedef struct FileShare FileShare;
FileShare *file_share_take(Service *service, const Identity *who, GError **error);
void file_share_give_back(gpointer data);
/* The descriptor at @iter, which moves on; owned by the caller. -1 with @error. */
int iface_take_descriptor(DispatchCall *call, DBusMessageIter *iter, GError **error);

/* A reply to fill in. */
DBusMessage *iface_begin(DispatchCall *call, DBusMessageIter *out);
/* Sends it, or an error where not all of it could be appended. */
void iface_finish(DispatchCall *call, DBusMessage *reply, gboolean complete);

typedef gboolean (*IfaceAppend)(DBusMessageIter *out, gconstpointer item);
/* An array of @signature from pointers to items. */
gboolean iface_append_array(DBusMessageIter *out, const char *signature, const GPtrArray *items,
                            IfaceAppend append);
gboolean iface_append_uint32(DBusMessageIter *out, guint32 number);
gboolean iface_append_uint64(DBusMessageIter *out, guint64 number);
gboolean iface_append_boolean(DBusMessageIter *out, gboolean truth);
/* A structure of strings: (ss) or (sss). */
gboolean iface_append_strings(DBusMessageIter *out, const char *const *strings, guint n_strings);

/* ---- the handlers: handle-read.c, handle-write.c, handle-watch.c, handle-import.c,
 * handle-history.c; @data is the Face here and above ---- */

void iface_get_value(DispatchCall *call, gpointer data);
void iface_list_keys(DispatchCall *call, gpointer data);
void iface_list_values(DispatchCall *call, gpointer data);
void iface_get_key_info(DispatchCall *call, gpointer data);
void iface_read_tree(DispatchCall *call, gpointer data);
void iface_get_acl(DispatchCall *call, gpointer data);
void iface_describe(DispatchCall *call, gpointer data);
void iface_validate(DispatchCall *call, gpointer data);
void iface_set_value(DispatchCall *call, gpointer data);
void iface_delete_value(DispatchCall *call, gpointer data);
void iface_create_key(DispatchCall *call, gpointer data);
void iface_delete_key(DispatchCall *call, gpointer data);
void iface_rename_key(DispatchCall *call, gpointer data);
void iface_copy_key(DispatchCall *call, gpointer data);
void iface_commit(DispatchCall *call, gpointer data);
void iface_set_acl(DispatchCall *call, gpointer data);
void iface_set_acl_with_options(DispatchCall *call, gpointer data);
void iface_watch(DispatchCall *call, gpointer data);
void iface_unwatch(DispatchCall *call, gpointer data);
void iface_import(DispatchCall *call, gpointer data);
void iface_export(DispatchCall *call, gpointer data);
void iface_backup(DispatchCall *call, gpointer data);
void iface_get_history(DispatchCall *call, gpointer data);
void iface_rollback(DispatchCall *call, gpointer data);
void iface_purge_history(DispatchCall *call, gpointer data);
void iface_confirm(DispatchCall *call, gpointer data);

/* ReadTree with the option `at`: answers later. */
void iface_read_past_tree(DispatchCall *call, Face *face, const char *key,
                          const TreeOptions *options);
void iface_reply_tree(DispatchCall *call, const TreePage *page);

/* The a(sssuv) at @array, as Commit takes it. */
gboolean iface_read_operations(DBusMessageIter *array, Change *change, GError **error);
/* Options that go with a whole change (comment, dry-run, confirm-within). */
gboolean iface_read_change_options(const WireOptions *options, Change *change, GError **error);

#endif
