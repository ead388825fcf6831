/* SPDX-License-Identifier: MIT */
/* Handlers of access lists. Names of users and groups are looked up on a thread,
 * then the change is written. */
#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/bus/change-message.h"
#include "regd/bus/read-call.h"
#include "regd/registry1/handlers.h"

/* ---- GetAcl ---- */

static gboolean append_acl(DBusMessageIter *out, const Acl *acl) {
  guint n_entries = 0;
  const AclEntry *entries = acl != NULL ? acl_get_entries(acl, &n_entries) : NULL;
  DBusMessageIter array;
  gboolean complete = TRUE;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, "(ss)", &array))
    return FALSE;
  for (guint i = 0; i < n_entries && complete; i++) {
    const char *fields[] = {entries[i].principal, access_level_get_name(entries[i].level)};
    complete = face_append_strings(&array, fields, G_N_ELEMENTS(fields));
  }
  return wire_end_container(out, &array, complete);
}

typedef struct {
  Identity *who;
  const char *key;
  char *origin;
  Acl *acl;
} AclCall;

static void clear_acl_call(gpointer data) {
  AclCall *asked = data;
  g_clear_pointer(&asked->origin, g_free);
  g_clear_pointer(&asked->acl, acl_unref);
}

static gboolean read_acl(Reader *reader, gpointer data, GError **error) {
  AclCall *asked = data;
  GError *failure = NULL;
  asked->acl = reader_get_acl(reader, asked->who, asked->key, &asked->origin, &failure);
  if (failure != NULL)
    g_propagate_error(error, failure);
  return failure == NULL;
}

static gboolean append_origin_and_acl(DBusMessageIter *out, gpointer data) {
  const AclCall *asked = data;
  return wire_append_string(out, asked->origin) && append_acl(out, asked->acl);
}

static const ReadCallKind get_acl = {read_acl, append_origin_and_acl, clear_acl_call,
                                     sizeof(AclCall), FALSE};

void handle_get_acl(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  dispatch_call_get_arguments(call, &in);
  AclCall asked = {.who = face_caller(call), .key = face_take_string(&in)};
  read_call_run(call, data, &get_acl, &asked);
}

/* ---- SetAcl ---- */

typedef struct {
  DispatchCall *call;
  BusFace *face;
  char *key;
  GArray *entries; /* of AclText */
  Change *change;
  Acl *acl;
  GError *error;
} AclJob;

static void acl_text_clear(gpointer data) {
  AclText *text = data;
  g_free(text->principal);
  g_free(text->level);
}

static void acl_job_free(gpointer data) {
  AclJob *job = data;
  g_free(job->key);
  g_array_unref(job->entries);
  change_free(job->change);
  acl_unref(job->acl);
  g_clear_error(&job->error);
  g_free(job);
}

static void resolve_acl(gpointer data) {
  AclJob *job = data;
  job->acl = acl_new((const AclText *)(gpointer)job->entries->data, job->entries->len,
                     access_resolve_with_nss, &job->error);
}

static void acl_release(gpointer acl) {
  acl_unref(acl);
}

static void on_acl_resolved(gpointer data) {
  AclJob *job = data;
  if (job->acl == NULL) {
    g_prefix_error(&job->error, "%s: ", job->key);
    dispatch_call_fail(job->call, job->error);
    acl_job_free(job);
    return;
  }
  Operation *operation = change_add(job->change, OPERATION_SET_ACL, job->key);
  operation->acl = g_steal_pointer(&job->acl);
  operation->acl_free = acl_release;
  face_write(job->call, job->face, g_steal_pointer(&job->change), face_answer_revision, job->call);
  acl_job_free(job);
}

/* No more than it takes to refuse a list that is too long. */
static GArray *read_acl_entries(DBusMessageIter *array) {
  GArray *entries = g_array_new(FALSE, FALSE, sizeof(AclText));
  g_array_set_clear_func(entries, acl_text_clear);
  DBusMessageIter element, fields;
  dbus_message_iter_recurse(array, &element);
  for (; dbus_message_iter_get_arg_type(&element) == DBUS_TYPE_STRUCT &&
         entries->len <= LIMIT_ACL_ENTRIES;
       dbus_message_iter_next(&element)) {
    dbus_message_iter_recurse(&element, &fields);
    AclText text = {.principal = g_strdup(face_take_string(&fields))};
    text.level = g_strdup(face_take_string(&fields));
    g_array_append_val(entries, text);
  }
  return entries;
}

static void set_acl(DispatchCall *call, BusFace *face, DBusMessageIter *in, Change *change) {
  AclJob *job = g_new0(AclJob, 1);
  job->call = call;
  job->face = face;
  job->change = change;
  job->key = g_strdup(face_take_string(in));
  job->entries = read_acl_entries(in);
  workers_submit(face->workers, resolve_acl, on_acl_resolved, job, acl_job_free);
}

void handle_set_acl(DispatchCall *call, gpointer data) {
  DBusMessageIter in;
  dispatch_call_get_arguments(call, &in);
  set_acl(call, data, &in, change_new());
}

void handle_set_acl_with_options(DispatchCall *call, gpointer data) {
  DBusMessageIter in, last;
  g_autoptr(GError) error = NULL;
  dispatch_call_get_arguments(call, &in);
  last = in;
  dbus_message_iter_next(&last);
  dbus_message_iter_next(&last);
  g_autoptr(WireOptions) options = face_take_options(&last, &error);
  g_autoptr(Change) change = change_new();
  if (options == NULL || !change_message_read_options(options, change, &error)) {
    dispatch_call_fail(call, error);
    return;
  }
  set_acl(call, data, &in, g_steal_pointer(&change));
}
