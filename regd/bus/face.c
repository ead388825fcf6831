/* SPDX-License-Identifier: MIT */
/* See face.h. */
#include "regd/bus/face.h"

#include "client/base/error.h"

/* ---- admission ---- */

typedef struct {
  DispatchCall *call; /* the call that it is the data of */
  Service *service;
  Identity *who;
  gsize bytes;                      /* of the call */
  const DBusConnection *connection; /* that the call came by, which keeps it */
  gboolean appealed;
  Spool *copy; /* of the file that the call has read; NULL: none is kept */
} Ticket;

static void ticket_free(gpointer data) {
  Ticket *ticket = data;
  if (dispatch_call_has_failed(ticket->call))
    service_note_failure(ticket->service);
  service_give_back(ticket->service, ticket->who->uid, SHARE_CALL_BYTES, ticket->bytes);
  service_give_back(ticket->service, ticket->who->uid, SHARE_CALLS, 1);
  identity_unref(ticket->who);
  spool_free(ticket->copy);
  g_free(ticket);
}

typedef struct {
  DispatchCall *call;
  Service *service;
  const DBusConnection *connection;
  gsize bytes;
} Admission;

static gboolean take_shares(const Admission *admission, Identity *who, GError **error) {
  if (who == NULL)
    return error_set(error, REGISTRY_ERROR_ACCESS_DENIED, "%s: the bus does not say who is calling",
                     dispatch_call_get_method(admission->call));
  if (!service_take_share(admission->service, who, SHARE_CALLS, 1, error))
    return FALSE;
  if (service_take_share(admission->service, who, SHARE_CALL_BYTES, admission->bytes, error))
    return TRUE;
  service_give_back(admission->service, who->uid, SHARE_CALLS, 1);
  return FALSE;
}

static void on_known(Identity *who, gpointer data) {
  g_autofree Admission *admission = data;
  g_autoptr(GError) error = NULL;
  if (!take_shares(admission, who, &error)) {
    dispatch_call_fail(admission->call, error);
    return;
  }
  Ticket *ticket = g_new0(Ticket, 1);
  ticket->service = admission->service;
  ticket->call = admission->call;
  ticket->who = identity_ref(who);
  ticket->bytes = admission->bytes;
  ticket->connection = admission->connection;
  dispatch_call_set_data(admission->call, ticket, ticket_free);
  dispatch_call_run(admission->call);
}

void face_admit(DispatchCall *call, gpointer data) {
  BusFace *face = data;
  const char *sender = dispatch_call_get_sender(call);
  g_autoptr(GError) error = NULL;
  Admission *admission = g_new0(Admission, 1);
  admission->call = call;
  admission->service = face->service;
  admission->connection = face->connection;
  admission->bytes = dispatch_call_measure(call);
  if (sender != NULL &&
      callers_identify(face->callers, sender, admission->bytes, on_known, admission))
    return;
  g_free(admission);
  if (sender == NULL)
    error_set(&error, REGISTRY_ERROR_ACCESS_DENIED, "the call has no sender");
  else
    error_set(&error, REGISTRY_ERROR_LIMIT_EXCEEDED,
              "too many calls of %s wait; wait for answers before calling on", sender);
  dispatch_call_fail(call, error);
}

void face_note_sent(DBusMessage *message, gsize bytes, gpointer data) {
  BusFace *face = data;
  const char *sender = dbus_message_get_sender(message);
  if (face->outbox != NULL && sender != NULL && !dbus_message_get_no_reply(message))
    outbox_count_reply(face->outbox, sender, bytes);
}

/* Methods whose second argument is the name of a value. */
static gboolean has_value_name(const char *method) {
  static const char *const methods[] = {"GetValue", "SetValue", "DeleteValue", "Describe",
                                        "PurgeHistory"};
  for (gsize i = 0; i < G_N_ELEMENTS(methods); i++)
    if (g_str_equal(methods[i], method))
      return TRUE;
  return FALSE;
}

const char *face_get_key(DispatchCall *call) {
  DBusMessageIter in;
  if (!g_str_has_prefix(dispatch_call_get_signature(call), "s"))
    return NULL;
  dispatch_call_get_arguments(call, &in);
  return face_take_string(&in);
}

/* As it was asked for: nothing is told that the caller does not know. NULL: the call names none. */
static char *describe_place(DispatchCall *call) {
  DBusMessageIter in;
  if (face_get_key(call) == NULL)
    return NULL;
  dispatch_call_get_arguments(call, &in);
  const char *key = face_take_string(&in);
  return has_value_name(dispatch_call_get_method(call))
             ? g_strdup_printf("%s: value \"%s\"", key, face_take_string(&in))
             : g_strdup(key);
}

GError *face_explain(DispatchCall *call, const GError *error, gpointer data) {
  BusFace *face = data;
  if (!db_error_is_damage(error))
    return NULL;
  GError *explained = NULL;
  gboolean is_named = g_str_has_prefix(error->message, "HKEY_");
  g_autofree char *place = is_named ? NULL : describe_place(call);
  error_set(&explained, REGISTRY_ERROR_STORAGE_FAILURE, "%s%s%s", place != NULL ? place : "",
            place != NULL ? ": " : "", error->message);
  service_note_problem(face->service, explained->message);
  return explained;
}

Identity *face_caller(const DispatchCall *call) {
  const Ticket *ticket = dispatch_call_get_data(call);
  return ticket->who;
}

void face_make_administrator(DispatchCall *call) {
  Ticket *ticket = dispatch_call_get_data(call);
  g_autoptr(Identity) who = ticket->who;
  ticket->who = identity_new(who->uid, TRUE, who->groups, who->n_groups, who->pid, who->program);
}

gboolean face_may_appeal(const DispatchCall *call, const BusFace *face) {
  const Ticket *ticket = dispatch_call_get_data(call);
  return ticket != NULL && !ticket->appealed && !ticket->who->administrator &&
         dispatch_call_is_interactive(call) && face->authority != NULL &&
         authority_get_connection(face->authority) == ticket->connection;
}

void face_spend_appeal(DispatchCall *call) {
  Ticket *ticket = dispatch_call_get_data(call);
  ticket->appealed = TRUE;
}

void face_keep_copy(DispatchCall *call, Spool *copy) {
  Ticket *ticket = dispatch_call_get_data(call);
  spool_free(ticket->copy);
  ticket->copy = copy;
}

Spool *face_take_copy(DispatchCall *call) {
  Ticket *ticket = dispatch_call_get_data(call);
  return g_steal_pointer(&ticket->copy);
}

guint64 face_get_step_limit(const BusFace *face, const DispatchCall *call) {
  return service_get_step_limit(face->service, face_caller(call));
}

void face_write(DispatchCall *call, BusFace *face, Change *change, WriteDone done, gpointer data) {
  const Caller caller = {face_caller(call), dispatch_call_get_sender(call)};
  service_write(face->service, &caller, change, done, data);
}

Reader *face_get_reader(BusFace *face) {
  return service_get_reader(face->service);
}

/* ---- arguments ---- */

const char *face_take_string(DBusMessageIter *iter) {
  const char *text = NULL;
  dbus_message_iter_get_basic(iter, &text);
  dbus_message_iter_next(iter);
  return text;
}

guint32 face_take_uint32(DBusMessageIter *iter) {
  dbus_uint32_t number = 0;
  dbus_message_iter_get_basic(iter, &number);
  dbus_message_iter_next(iter);
  return number;
}

guint64 face_take_uint64(DBusMessageIter *iter) {
  dbus_uint64_t number = 0;
  dbus_message_iter_get_basic(iter, &number);
  dbus_message_iter_next(iter);
  return number;
}

gboolean face_take_boolean(DBusMessageIter *iter) {
  dbus_bool_t truth = FALSE;
  dbus_message_iter_get_basic(iter, &truth);
  dbus_message_iter_next(iter);
  return truth;
}

WireOptions *face_take_options(DBusMessageIter *iter, GError **error) {
  WireOptions *options = wire_options_read(iter, error);
  dbus_message_iter_next(iter);
  return options;
}

/* ---- answers ---- */

DBusMessage *face_begin(DispatchCall *call, DBusMessageIter *out) {
  DBusMessage *reply = dispatch_call_new_reply(call);
  dbus_message_iter_init_append(reply, out);
  return reply;
}

void face_finish(DispatchCall *call, DBusMessage *reply, gboolean complete) {
  if (!complete)
    g_clear_pointer(&reply, dbus_message_unref);
  dispatch_call_reply(call, reply);
}

void face_refuse_at_stop(DispatchCall *call) {
  g_autoptr(GError) error = NULL;
  error_set(&error, REGISTRY_ERROR_FAILED, "%s: regd stops; try again",
            dispatch_call_get_method(call));
  dispatch_call_fail(call, error);
}

void face_answer_revision(const WriteResult *result, gpointer data) {
  DispatchCall *call = data;
  DBusMessageIter out;
  if (result->error != NULL) {
    dispatch_call_fail(call, result->error);
    return;
  }
  DBusMessage *reply = face_begin(call, &out);
  face_finish(call, reply, face_append_uint64(&out, result->revision));
}

gboolean face_append_counts(DBusMessageIter *dict, const WriteResult *result) {
  const struct {
    const char *name;
    guint32 count;
  } counts[] = {
      {"keys-created", result->keys_created},
      {"keys-deleted", result->keys_deleted},
      {"values-set", result->values_set},
      {"values-deleted", result->values_deleted},
      {"values-unchanged", result->values_unchanged},
      {"values-pruned", result->values_pruned},
      {"keys-pruned", result->keys_pruned},
      {"values-drifted", result->values_drifted},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(counts); i++)
    if (!wire_append_entry_uint32(dict, counts[i].name, counts[i].count))
      return FALSE;
  return wire_append_entry_boolean(dict, "changed", result->changed);
}

gboolean face_append_array_with(DBusMessageIter *out, const char *signature, const GPtrArray *items,
                                FaceAppendWith append, gconstpointer data) {
  DBusMessageIter array;
  gboolean complete = TRUE;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_ARRAY, signature, &array))
    return FALSE;
  for (guint i = 0; i < items->len && complete; i++)
    complete = append(&array, items->pdata[i], data);
  return wire_end_container(out, &array, complete);
}

static gboolean append_item(DBusMessageIter *out, gconstpointer item, gconstpointer data) {
  const FaceAppend *append = data;
  return (*append)(out, item);
}

gboolean face_append_array(DBusMessageIter *out, const char *signature, const GPtrArray *items,
                           FaceAppend append) {
  return face_append_array_with(out, signature, items, append_item, &append);
}

gboolean face_read_form(const WireOptions *options, FaceForm *form, GError **error) {
  return wire_options_get_boolean(options, "numbers-as-text", &form->numbers_as_text, error) &&
         wire_options_get_boolean(options, "hide-secrets", &form->hide_secrets, error);
}

gboolean face_append_uint32(DBusMessageIter *out, guint32 number) {
  dbus_uint32_t content = number;
  return dbus_message_iter_append_basic(out, DBUS_TYPE_UINT32, &content);
}

gboolean face_append_uint64(DBusMessageIter *out, guint64 number) {
  dbus_uint64_t content = number;
  return dbus_message_iter_append_basic(out, DBUS_TYPE_UINT64, &content);
}

gboolean face_append_boolean(DBusMessageIter *out, gboolean truth) {
  dbus_bool_t content = truth ? TRUE : FALSE;
  return dbus_message_iter_append_basic(out, DBUS_TYPE_BOOLEAN, &content);
}

gboolean face_append_strings(DBusMessageIter *out, const char *const *strings, guint n_strings) {
  DBusMessageIter structure;
  gboolean complete = TRUE;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_STRUCT, NULL, &structure))
    return FALSE;
  for (guint i = 0; i < n_strings && complete; i++)
    complete = wire_append_string(&structure, strings[i]);
  return wire_end_container(out, &structure, complete);
}

gboolean face_append_entry_typed(DBusMessageIter *dict, const char *type, const char *content,
                                 const RegistryValue *value, gboolean as_text) {
  return value == NULL || (wire_append_entry_uint32(dict, type, registry_value_get_type(value)) &&
                           wire_append_entry_value_as(dict, content, value, as_text));
}

gboolean face_append_named_value(DBusMessageIter *out, gconstpointer item, gconstpointer data) {
  const FaceForm *form = data;
  const NamedValue *value = item;
  DBusMessageIter structure;
  if (!dbus_message_iter_open_container(out, DBUS_TYPE_STRUCT, NULL, &structure))
    return FALSE;
  return wire_end_container(
      out, &structure,
      wire_append_string(&structure, value->name) &&
          face_append_uint32(&structure, registry_value_get_type(value->value)) &&
          wire_append_value_as(&structure, value->value, form->numbers_as_text));
}
