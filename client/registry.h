/* SPDX-License-Identifier: MIT */
/* The public face of libregistry: everything a program needs to use the
 * registry that regd serves on D-Bus, and the only header that is installed.
 *
 * It declares the types, errors and values, the connection and its calls, and the live
 * view of a sub-tree. It includes only GLib, so every layer of the project may include it.
 *
 * Threads: a RegistryValue is immutable and may be shared between threads. A
 * RegistryConnection and its views belong to the thread that runs the
 * GMainContext they were made on.
 */
#ifndef CLIENT_REGISTRY_H
#define CLIENT_REGISTRY_H

#include <glib.h>

G_BEGIN_DECLS

#define REGISTRY_PUBLIC __attribute__((visibility("default")))

/* ---- errors ---- */

/* Every way an operation can fail, in this process or in the daemon. One table
 * (client/base/error.c) maps each to its D-Bus name and exit code. */
typedef enum {
  REGISTRY_ERROR_FAILED, /* anything without a better name */
  REGISTRY_ERROR_KEY_NOT_FOUND,
  REGISTRY_ERROR_VALUE_NOT_FOUND,
  REGISTRY_ERROR_KEY_EXISTS,
  REGISTRY_ERROR_KEY_NOT_EMPTY,
  REGISTRY_ERROR_INVALID_PATH,
  REGISTRY_ERROR_INVALID_VALUE,
  REGISTRY_ERROR_SCHEMA_VIOLATION,
  REGISTRY_ERROR_CONFLICT,
  REGISTRY_ERROR_LIMIT_EXCEEDED,
  REGISTRY_ERROR_LINK_LOOP,
  REGISTRY_ERROR_HISTORY_GONE,
  REGISTRY_ERROR_STORAGE_FULL,
  REGISTRY_ERROR_STORAGE_FAILURE,
  REGISTRY_ERROR_READ_ONLY,
  REGISTRY_ERROR_ACCESS_DENIED,
  REGISTRY_ERROR_INVALID_ARGUMENTS, /* wrong signature, option or usage */
  REGISTRY_ERROR_NOT_SUPPORTED,
  REGISTRY_ERROR_UNREACHABLE,       /* no bus, or no daemon on it */
  REGISTRY_ERROR_LOCKED,            /* the key or value is locked (Lock) */
  REGISTRY_ERROR_FLEET_UNAVAILABLE, /* the key is a fleet's, which can't be reached: not written */
  REGISTRY_ERROR_FLEET_UNCERTAIN,   /* no answer came: the change may still be made */
} RegistryError;

#define REGISTRY_ERROR (registry_error_quark())
REGISTRY_PUBLIC GQuark registry_error_quark(void);

/* ---- values ---- */

/* Value types by their Windows numbers. Any other 32-bit number is kept too. */
typedef enum {
  REGISTRY_NONE = 0,
  REGISTRY_SZ = 1,
  REGISTRY_EXPAND_SZ = 2,
  REGISTRY_BINARY = 3,
  REGISTRY_DWORD = 4,
  REGISTRY_DWORD_BIG_ENDIAN = 5,
  REGISTRY_LINK = 6,
  REGISTRY_MULTI_SZ = 7,
  REGISTRY_RESOURCE_LIST = 8,
  REGISTRY_FULL_RESOURCE_DESCRIPTOR = 9,
  REGISTRY_RESOURCE_REQUIREMENTS_LIST = 10,
  REGISTRY_QWORD = 11,
} RegistryType;

/* What a value's bytes are, read by its type. Bytes that do not form what the
 * type says are REGISTRY_FORM_BYTES whatever the type. */
typedef enum {
  REGISTRY_FORM_BYTES,
  REGISTRY_FORM_STRING,
  REGISTRY_FORM_STRINGS,
  REGISTRY_FORM_UINT32,
  REGISTRY_FORM_UINT64,
} RegistryForm;

/* A type number and its data as Windows lays it out (text in UTF-16LE with its
 * terminator, numbers in the type's byte order). Immutable, counted. */
typedef struct RegistryValue RegistryValue;

REGISTRY_PUBLIC RegistryValue *registry_value_ref(const RegistryValue *value);
REGISTRY_PUBLIC void registry_value_unref(RegistryValue *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegistryValue, registry_value_unref)

/* Windows bytes of any type. Text of types 1, 2 and 7 that is non-empty valid
 * UTF-16LE and does not end in NUL gains one NUL; everything else is kept as
 * it is. Never fails; limits on size are the daemon's. */
REGISTRY_PUBLIC RegistryValue *registry_value_new_bytes(guint32 type, gconstpointer bytes,
                                                        gsize size);
/* REG_SZ, REG_EXPAND_SZ or REG_LINK of UTF-8 text. INVALID_VALUE: another
 * type, or text that is not UTF-8. */
REGISTRY_PUBLIC RegistryValue *registry_value_new_string(guint32 type, const char *text,
                                                         GError **error);
/* REG_MULTI_SZ. INVALID_VALUE: an empty string inside, or not UTF-8. */
REGISTRY_PUBLIC RegistryValue *registry_value_new_strings(const char *const *strings,
                                                          GError **error);
/* REG_DWORD or REG_DWORD_BIG_ENDIAN; the number itself, whatever its bytes. */
REGISTRY_PUBLIC RegistryValue *registry_value_new_uint32(guint32 type, guint32 number,
                                                         GError **error);
REGISTRY_PUBLIC RegistryValue *registry_value_new_uint64(guint64 number);

REGISTRY_PUBLIC guint32 registry_value_get_type(const RegistryValue *value);
REGISTRY_PUBLIC RegistryForm registry_value_get_form(const RegistryValue *value);
/* The Windows bytes; borrowed, valid as long as the value. */
REGISTRY_PUBLIC const guint8 *registry_value_get_bytes(const RegistryValue *value, gsize *size);
/* NULL if the form is another; else owned by the caller. */
REGISTRY_PUBLIC char *registry_value_dup_string(const RegistryValue *value);
REGISTRY_PUBLIC char **registry_value_dup_strings(const RegistryValue *value);
/* FALSE if the form is another. */
REGISTRY_PUBLIC gboolean registry_value_get_uint32(const RegistryValue *value, guint32 *number);
REGISTRY_PUBLIC gboolean registry_value_get_uint64(const RegistryValue *value, guint64 *number);
/* Same type and same bytes. Either may be NULL. */
REGISTRY_PUBLIC gboolean registry_value_equal(const RegistryValue *a, const RegistryValue *b);

/* "REG_SZ" and so on; NULL for a number without a name. Static. */
REGISTRY_PUBLIC const char *registry_type_get_name(guint32 type);
/* Accepts sz, expand, multi, dword, qword, binary, none, dword-be, link, the
 * REG_ names (in any case) and numbers (decimal or 0x). */
REGISTRY_PUBLIC gboolean registry_type_parse(const char *text, guint32 *type);

/* ---- connection ---- */

/* One connection to the bus. It survives the bus and the daemon going away:
 * calls made meanwhile fail with UNREACHABLE, and it connects again by itself
 * from the loop (at once, then after 50 ms doubling to 2 s). */
typedef struct RegistryConnection RegistryConnection;

/* @bus: "system", "session", or a D-Bus address; NULL is "system".
 * @context: whose loop it works on; NULL is the thread's default. Does not
 * block beyond the local connect and Hello, and does not need regd there.
 * UNREACHABLE: no bus; no connection is made. */
REGISTRY_PUBLIC RegistryConnection *registry_connection_new(const char *bus, GMainContext *context,
                                                            GError **error);
/* As above, but a bus that is not there yet is waited for in the background. */
REGISTRY_PUBLIC RegistryConnection *registry_connection_new_patient(const char *bus,
                                                                    GMainContext *context);
REGISTRY_PUBLIC RegistryConnection *registry_connection_ref(RegistryConnection *connection);
REGISTRY_PUBLIC void registry_connection_unref(RegistryConnection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegistryConnection, registry_connection_unref)

/* Whether the daemon answers. It turns FALSE when a call has waited for 10 s and no
 * message has come from the daemon meanwhile, not even the reply to a Ping; it turns TRUE
 * again with the next message. While it is FALSE every sync is answered FALSE at once, and
 * no view is live; the last known state is still served. It is TRUE while the daemon is
 * away. */
REGISTRY_PUBLIC gboolean registry_connection_is_answering(const RegistryConnection *connection);
typedef void (*RegistryConnectionAnswering)(RegistryConnection *connection, gboolean answering,
                                            gpointer data);
/* @changed (may be NULL) is called from the loop when that changes. From then on a silent
 * daemon is noticed within 10 s even if no call waits: a Ping is sent every 4 s if nothing
 * else comes from the daemon. */
REGISTRY_PUBLIC void registry_connection_follow_answering(RegistryConnection *connection,
                                                          RegistryConnectionAnswering changed,
                                                          gpointer data);

/* Whether regd may let polkit ask the user, if it would refuse one of the blocking calls below:
 * for programs that somebody sits before. FALSE at first. Such a call waits 60 s longer. */
REGISTRY_PUBLIC void registry_connection_set_interactive(RegistryConnection *connection,
                                                         gboolean interactive);

/* The blocking calls below wait at most 30 s for the daemon's answer (writes 300 s; after
 * UNREACHABLE the write may still be made) and do not run the loop: they are for programs
 * that have nothing else to do meanwhile. The bus may start the daemon for them, if it is
 * configured to; views never start it. An error is what the daemon said, its name mapped
 * to RegistryError. */

REGISTRY_PUBLIC RegistryValue *registry_get_value(RegistryConnection *connection, const char *key,
                                                  const char *name, GError **error);
/* Revision after the write in *@revision (may be NULL). */
REGISTRY_PUBLIC gboolean registry_set_value(RegistryConnection *connection, const char *key,
                                            const char *name, const RegistryValue *value,
                                            guint64 *revision, GError **error);
REGISTRY_PUBLIC gboolean registry_delete_value(RegistryConnection *connection, const char *key,
                                               const char *name, guint64 *revision, GError **error);
/* NULL-terminated, owned by the caller. */
REGISTRY_PUBLIC char **registry_list_keys(RegistryConnection *connection, const char *key,
                                          GError **error);
REGISTRY_PUBLIC gboolean registry_create_key(RegistryConnection *connection, const char *key,
                                             guint64 *revision, gboolean *created, GError **error);
REGISTRY_PUBLIC gboolean registry_delete_key(RegistryConnection *connection, const char *key,
                                             gboolean recursive, guint64 *revision, GError **error);

/* ---- transaction ---- */

/* Operations applied in order as one commit, or not at all. */
typedef struct RegistryTransaction RegistryTransaction;

REGISTRY_PUBLIC RegistryTransaction *registry_transaction_new(const char *comment);
REGISTRY_PUBLIC void registry_transaction_free(RegistryTransaction *transaction);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegistryTransaction, registry_transaction_free)
REGISTRY_PUBLIC void registry_transaction_set_value(RegistryTransaction *transaction,
                                                    const char *key, const char *name,
                                                    const RegistryValue *value);
REGISTRY_PUBLIC void registry_transaction_delete_value(RegistryTransaction *transaction,
                                                       const char *key, const char *name);
REGISTRY_PUBLIC void registry_transaction_create_key(RegistryTransaction *transaction,
                                                     const char *key);
REGISTRY_PUBLIC void registry_transaction_delete_tree(RegistryTransaction *transaction,
                                                      const char *key);
REGISTRY_PUBLIC void registry_transaction_expect_value(RegistryTransaction *transaction,
                                                       const char *key, const char *name,
                                                       const RegistryValue *value);
REGISTRY_PUBLIC void registry_transaction_expect_absent(RegistryTransaction *transaction,
                                                        const char *key, const char *name);
REGISTRY_PUBLIC void registry_transaction_expect_revision(RegistryTransaction *transaction,
                                                          const char *key, guint64 revision);
REGISTRY_PUBLIC gboolean registry_transaction_commit(RegistryConnection *connection,
                                                     RegistryTransaction *transaction,
                                                     guint64 *revision, GError **error);

/* ---- live view ---- */

/* A sub-tree held in memory and kept current. Reading is a look-up. While the daemon is
 * away the last known state is served; when it is back the view catches up from its last
 * revision, or reads everything. */
typedef struct RegistryView RegistryView;

typedef enum {
  REGISTRY_VIEW_WAITING, /* nothing read yet: no daemon, or the first read is under way */
  REGISTRY_VIEW_READY,   /* the sub-tree is held (as last known, while the daemon is away) */
  REGISTRY_VIEW_MISSING, /* the daemon answered that the key does not exist */
  REGISTRY_VIEW_DENIED,  /* the daemon answered that this user may not read it */
  REGISTRY_VIEW_FAILED,  /* the daemon answered something else: registry_view_get_problem() */
} RegistryViewState;

/* Called on the connection's context after the view has changed (its state, or any key or
 * value), never from inside a function that the user has called. */
typedef void (*RegistryViewChanged)(RegistryView *view, gpointer data);
/* @current: every write answered before registry_view_sync() was called is in
 * the view now. FALSE: the daemon could not be asked; the view holds what was
 * last known. */
typedef void (*RegistryViewSynced)(RegistryView *view, gboolean current, gpointer data);

/* Watches @key and everything below it, which need not exist. The view holds a
 * reference on the connection. @changed may be NULL. */
REGISTRY_PUBLIC RegistryView *registry_view_new(RegistryConnection *connection, const char *key,
                                                RegistryViewChanged changed, gpointer data);
REGISTRY_PUBLIC void registry_view_free(RegistryView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegistryView, registry_view_free)

/* Something was written at @subkey (as for registry_view_get()); NULL: anywhere. Called
 * when the daemon signals it: before the new value can be looked up, and even if in the
 * end nothing differs. All writes before a sync have been reported when the sync is
 * answered. @data: registry_view_new()'s. The view must not be freed from inside. */
typedef void (*RegistryViewTouched)(RegistryView *view, const char *subkey, gpointer data);
REGISTRY_PUBLIC void registry_view_set_touched(RegistryView *view, RegistryViewTouched touched);

REGISTRY_PUBLIC RegistryViewState registry_view_get_state(const RegistryView *view);
/* Why the state is DENIED or FAILED, or what the last contact said; NULL if nothing. */
REGISTRY_PUBLIC const GError *registry_view_get_problem(const RegistryView *view);
/* The revision of the view's contents; 0 before the first read. */
REGISTRY_PUBLIC guint64 registry_view_get_revision(const RegistryView *view);
/* Whether the daemon is there and answers, and the watch stands. */
REGISTRY_PUBLIC gboolean registry_view_is_live(const RegistryView *view);

/* @subkey: path below the view's key, backslash-separated, "" for the key
 * itself. Names compare without regard to case. Borrowed; NULL if absent. A
 * borrowed value is good until the loop runs again: ref it to keep it. */
REGISTRY_PUBLIC const RegistryValue *registry_view_get(const RegistryView *view, const char *subkey,
                                                       const char *name);
REGISTRY_PUBLIC gboolean registry_view_has_key(const RegistryView *view, const char *subkey);
/* Names of direct sub-keys / values as stored; owned by the caller. */
REGISTRY_PUBLIC char **registry_view_list_keys(const RegistryView *view, const char *subkey);
REGISTRY_PUBLIC char **registry_view_list_values(const RegistryView *view, const char *subkey);

/* Typed look-ups that know aliases: @names is NULL-terminated, the described
 * name first, then the other names it is known by; the first that is there
 * decides. VALUE_NOT_FOUND: none is. INVALID_VALUE: it has another form. */
REGISTRY_PUBLIC char *registry_view_get_string(const RegistryView *view, const char *subkey,
                                               const char *const *names, GError **error);
REGISTRY_PUBLIC char **registry_view_get_strings(const RegistryView *view, const char *subkey,
                                                 const char *const *names, GError **error);
REGISTRY_PUBLIC gboolean registry_view_get_uint32(const RegistryView *view, const char *subkey,
                                                  const char *const *names, guint32 *number,
                                                  GError **error);

/* Calls @synced after one round trip to the daemon on the watching connection (see
 * RegistryViewSynced); syncs that are asked for before it is sent share it. While the
 * daemon is away or silent (registry_connection_is_answering()) the answer is FALSE
 * without waiting; when it falls silent, waiting syncs are answered FALSE, so after 10 s
 * at most. @synced is called exactly once, never from inside this call, unless the view is
 * freed before. */
REGISTRY_PUBLIC void registry_view_sync(RegistryView *view, RegistryViewSynced synced,
                                        gpointer data);

/* @current: as above, for every view of the connection. */
typedef void (*RegistryConnectionSynced)(RegistryConnection *connection, gboolean current,
                                         gpointer data);
/* The same for all views of a connection in the one round trip. @synced is
 * called exactly once, unless the connection is freed before. */
REGISTRY_PUBLIC void registry_connection_sync(RegistryConnection *connection,
                                              RegistryConnectionSynced synced, gpointer data);

G_END_DECLS

#endif
