/* SPDX-License-Identifier: MIT */
/* What the handlers of org.regd.Registry1 share: what they work with, who calls, and
 * the small steps of decoding a call and answering it. */
#ifndef REGD_BUS_FACE_H
#define REGD_BUS_FACE_H

#include "client/bus/dispatch.h"
#include "client/bus/wire.h"
#include "client/threads/workers.h"
#include "regd/bus/callers.h"
#include "regd/bus/file-share.h"
#include "regd/bus/outbox.h"
#include "regd/bus/reply-cache.h"
#include "regd/files/spool.h"
#include "regd/polkit/authority.h"
#include "regd/read/long-reads.h"
#include "regd/service/service.h"

/* What the handlers work with: the data of the dispatch tables. */
typedef struct {
  Service *service;
  Workers *workers;
  Readings *readings;
  struct ShortTurns *turns; /* see read-call.h */
  struct FleetFaces *fleet; /* see regd/fleet/faces/faces.h; NULL: built without */
  FileShares *files;
  ReplyCache *replies;
  const char *database;       /* its file */
  DBusConnection *connection; /* this and the next three: NULL while there is no bus */
  Callers *callers;
  Authority *authority;
  Outbox *outbox;
} BusFace;

/* Identifies the caller and takes their share before the handler runs. */
void face_admit(DispatchCall *call, gpointer data);

/* Counts an answer of so many bytes to @message: a DispatchSent. */
void face_note_sent(DBusMessage *message, gsize bytes, gpointer data);

/* As it was asked for; borrowed. NULL: the call names none. */
const char *face_get_key(DispatchCall *call);
/* Names the key, and the value, in an error that tells of damage to the database, and keeps it
 * among the service's problems: a DispatchExplain. */
GError *face_explain(DispatchCall *call, const GError *error, gpointer data);

/* The caller; borrowed. */
Identity *face_caller(const DispatchCall *call);
/* The caller of a call that is to be handled again is an administrator for it. */
void face_make_administrator(DispatchCall *call);
/* Whether polkit may be asked about the call, which it may once: if the caller lets it, and not
 * about an administrator's, one whose caller is not known, and one that came by an earlier bus,
 * where its sender's name is not theirs. */
gboolean face_may_appeal(const DispatchCall *call, const BusFace *face);
/* It is asked. */
void face_spend_appeal(DispatchCall *call);
/* Keeps what a call has read of a file until it is answered, so that a person is asked about just
 * what is done then: a pipe is read once, and a file can change meanwhile. Takes @copy. */
void face_keep_copy(DispatchCall *call, Spool *copy);
/* For the second handling of a call: what the first one has kept, owned by the caller; NULL: this
 * is the first. */
Spool *face_take_copy(DispatchCall *call);
/* Steps that one change of the caller may take. */
guint64 face_get_step_limit(const BusFace *face, const DispatchCall *call);
/* Hands the caller's change to the service; see service_write(). */
void face_write(DispatchCall *call, BusFace *face, Change *change, WriteDone done, gpointer data);
/* Borrowed. */
Reader *face_get_reader(BusFace *face);

/* The string at @iter, which moves on; borrowed from the call. */
const char *face_take_string(DBusMessageIter *iter);
guint32 face_take_uint32(DBusMessageIter *iter);
guint64 face_take_uint64(DBusMessageIter *iter);
gboolean face_take_boolean(DBusMessageIter *iter);
/* The a{sv} at @iter, which moves on. */
WireOptions *face_take_options(DBusMessageIter *iter, GError **error);

/* A reply to fill in. */
DBusMessage *face_begin(DispatchCall *call, DBusMessageIter *out);
/* Sends it, or an error if not @complete. */
void face_finish(DispatchCall *call, DBusMessage *reply, gboolean complete);

/* Ends a call that has waited in vain: regd stops. */
void face_refuse_at_stop(DispatchCall *call);

/* A WriteDone whose @data is the call: answers with the revision, or the error. */
void face_answer_revision(const WriteResult *result, gpointer data);
/* Whether a change differs from what was there, and the counts of what it did. */
gboolean face_append_counts(DBusMessageIter *dict, const WriteResult *result);

typedef gboolean (*FaceAppend)(DBusMessageIter *out, gconstpointer item);
/* An array of @signature from pointers to items. */
gboolean face_append_array(DBusMessageIter *out, const char *signature, const GPtrArray *items,
                           FaceAppend append);
typedef gboolean (*FaceAppendWith)(DBusMessageIter *out, gconstpointer item, gconstpointer data);
gboolean face_append_array_with(DBusMessageIter *out, const char *signature, const GPtrArray *items,
                                FaceAppendWith append, gconstpointer data);
/* How an answer tells data, by options that the calls which list values share. */
typedef struct {
  gboolean numbers_as_text; /* see wire_append_value_as() */
  gboolean hide_secrets;    /* nothing of what secrets hold, whoever asks */
} FaceForm;
gboolean face_read_form(const WireOptions *options, FaceForm *form, GError **error);
gboolean face_append_uint32(DBusMessageIter *out, guint32 number);
gboolean face_append_uint64(DBusMessageIter *out, guint64 number);
gboolean face_append_boolean(DBusMessageIter *out, gboolean truth);
/* A structure of strings: (ss) or (sss). */
gboolean face_append_strings(DBusMessageIter *out, const char *const *strings, guint n_strings);
/* A value as two entries of a dictionary, @type and @content; none for NULL. @as_text: see
 * wire_append_value_as(). */
gboolean face_append_entry_typed(DBusMessageIter *dict, const char *type, const char *content,
                                 const RegistryValue *value, gboolean as_text);
/* A FaceAppendWith of a NamedValue, as (suv); @data is a FaceForm. */
gboolean face_append_named_value(DBusMessageIter *out, gconstpointer item, gconstpointer data);

#endif
