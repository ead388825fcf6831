/* SPDX-License-Identifier: MIT */
/* The verbs on the past: history, blame, rollback, confirm, undo, purge. */
#include <string.h>

#include "client/base/escape.h"
#include "client/base/number.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "client/cli/data.h"
#include "client/cli/reply.h"
#include "client/regctl/branch/history-pages.h"
#include "client/regctl/branch/listing.h"
#include "client/regctl/branch/standing.h"
#include "client/regctl/verbs/place.h"
#include "client/regctl/verbs/verbs.h"

static gboolean parse_revision(const char *operand, guint64 *revision, GError **error) {
  if (number_parse(operand, G_MAXUINT64, revision))
    return TRUE;
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "%s: it is no revision; `regctl history KEY` lists them", operand);
}

/* ---- history ---- */

static gboolean print_revision(Session *session, const PastRevision *revision,
                               G_GNUC_UNUSED gpointer data, GError **error) {
  GString *out = session_out(session);
  history_print_head(session, revision);
  if (*revision->comment) {
    g_string_append_c(out, '\t');
    escape_append(out, revision->comment);
  }
  g_string_append_c(out, '\n');
  history_print_changes(session, revision);
  return session_flush_much(session, error);
}

static gboolean write_revision(Session *session, const PastRevision *revision,
                               G_GNUC_UNUSED gpointer data, GError **error) {
  Json *json = &session->json;
  json_begin(json, '{');
  history_write_head(revision, json);
  history_write_changes(revision, json);
  json_end(json, '}');
  return session_flush_much(session, error);
}

/* Whether history of the key may be asked for: of a root that was not named, whose user may not
 * read it or has none, nothing is told. */
static gboolean can_be_asked(Session *session, const char *key) {
  Request request;
  request_begin(&request, "GetHistory");
  request_add_string(&request, key);
  request_open_options(&request);
  request_check(&request, wire_append_entry_uint32(&request.options, "limit", 1));
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(session, &request, NULL, NULL);
  return reply != NULL;
}

/* Without a KEY: of the machine, and of all users, or of this one. */
static GStrv dup_keys(Session *session, GError **error) {
  static const char *const roots[] = {"HKLM", "HKU", "HKCU"};
  const char *operand = session_get_operand(session, 0);
  g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
  if (operand != NULL) {
    char *key = data_parse_key(operand, error);
    if (key == NULL)
      return NULL;
    g_ptr_array_add(keys, key);
  }
  for (gsize i = 0; operand == NULL && i < G_N_ELEMENTS(roots); i++) {
    gboolean covered =
        i == 2 && keys->len > 0 && g_str_equal(g_ptr_array_index(keys, keys->len - 1), roots[1]);
    if (!covered && can_be_asked(session, roots[i]))
      g_ptr_array_add(keys, g_strdup(roots[i]));
  }
  if (keys->len == 0) /* so that its refusal says why */
    g_ptr_array_add(keys, g_strdup(roots[0]));
  g_ptr_array_add(keys, NULL);
  return (GStrv)g_ptr_array_free(g_steal_pointer(&keys), FALSE);
}

gboolean verb_history(Session *session, GError **error) {
  gboolean as_json = session_has(session, OPTION_JSON);
  guint64 count =
      session_has(session, OPTION_LIMIT) ? session->line->numbers[OPTION_LIMIT] : G_MAXUINT64;
  g_auto(GStrv) keys = dup_keys(session, error);
  if (keys == NULL)
    return FALSE;
  const char *const *walked = (const char *const *)keys;
  if (!as_json)
    return history_walk(session, walked, count, print_revision, NULL, error);
  json_begin(&session->json, '[');
  if (!history_walk(session, walked, count, write_revision, NULL, error))
    return FALSE;
  json_end(&session->json, ']');
  g_string_append_c(session_out(session), '\n');
  return TRUE;
}

/* ---- blame ---- */

typedef struct {
  const char *key; /* canonical */
  const char *name;
  guint found;
} Blame;

static const PastChange *find_change(const PastRevision *revision, const Blame *blame) {
  for (guint i = 0; i < revision->changes->len; i++) {
    const PastChange *change = g_ptr_array_index(revision->changes, i);
    if (past_change_is_of_value(change) && path_compare_names(change->name, blame->name) == 0 &&
        path_compare_names(change->key, blame->key) == 0)
      return change;
  }
  return NULL;
}

static gboolean blame_revision(Session *session, const PastRevision *revision, gpointer data,
                               GError **error) {
  Blame *blame = data;
  Json *json = &session->json;
  const PastChange *change = find_change(revision, blame);
  if (change == NULL)
    return TRUE;
  blame->found++;
  if (session_has(session, OPTION_JSON)) {
    json_begin(json, '{');
    history_write_head(revision, json);
    json_member_string(json, "kind", change->kind);
    history_write_data(change, json);
    json_end(json, '}');
  } else {
    history_print_head(session, revision);
    g_string_append_printf(json->text, "\t%s\t", change->kind);
    history_print_data(session, change);
    g_string_append_c(json->text, *revision->comment ? '\t' : '\n');
    if (*revision->comment) {
      escape_append(json->text, revision->comment);
      g_string_append_c(json->text, '\n');
    }
  }
  return session_flush_much(session, error);
}

/* The canonical path of a key that exists or existed, by the nearest key above that
 * exists. */
static char *find_canonical(Session *session, const char *key, GError **error) {
  Request request;
  DBusMessageIter answer;
  const char *path = NULL;
  g_autoptr(GError) problem = NULL;
  request_begin(&request, "GetKeyInfo");
  request_add_string(&request, key);
  request_open_options(&request);
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, &problem);
  if (reply != NULL) {
    g_autoptr(WireOptions) info =
        session_check_reply(reply, "a{sv}", error) ? wire_options_read(&answer, error) : NULL;
    if (info == NULL || !wire_options_get_string(info, "path", &path, error))
      return NULL;
    return g_strdup(path);
  }
  if (!g_error_matches(problem, REGISTRY_ERROR, REGISTRY_ERROR_KEY_NOT_FOUND) ||
      strchr(key, '\\') == NULL) {
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }
  g_autofree char *above = path_dup_parent(key);
  g_autofree char *parent = find_canonical(session, above, error);
  return parent != NULL ? g_strconcat(parent, "\\", path_get_leaf(key), NULL) : NULL;
}

static gboolean blame_value(Session *session, const char *key, const char *name, GError **error) {
  g_autofree char *canonical = find_canonical(session, key, error);
  Blame blame = {.key = canonical, .name = name};
  const char *const keys[] = {key, NULL};
  if (canonical == NULL || !history_walk(session, keys, G_MAXUINT64, blame_revision, &blame, error))
    return FALSE;
  if (blame.found > 0)
    return TRUE;
  RegistryConnection *connection = session_connect(session, error);
  g_autoptr(RegistryValue) value =
      connection != NULL ? registry_get_value(connection, key, name, error) : NULL;
  if (value == NULL)
    return FALSE;
  session_note(session, "%s: %s: it was set before history begins", key, data_show_name(name));
  return TRUE;
}

/* Who declares the value: they put it right again. It is no fault if that can't be told. */
static void note_owners(Session *session, const Place *place) {
  Request request;
  DBusMessageIter answer, owners, content;
  request_begin(&request, "Describe");
  request_add_string(&request, place->key);
  request_add_string(&request, place->name);
  g_autoptr(WireMessage) reply = session_call(session, &request, &answer, NULL);
  if (reply == NULL || *place->name == '\0' || !session_check_reply(reply, "a{sv}", NULL))
    return;
  g_autoptr(WireOptions) told = wire_options_read(&answer, NULL);
  if (told == NULL || !wire_options_get_content(told, "declared-by", &content) ||
      dbus_message_iter_get_arg_type(&content) != DBUS_TYPE_ARRAY)
    return;
  for (dbus_message_iter_recurse(&content, &owners);
       dbus_message_iter_get_arg_type(&owners) == DBUS_TYPE_STRING;)
    session_note(session, "%s: %s: declared by %s", place->key, data_show_name(place->name),
                 reply_take_string(&owners));
}

gboolean verb_blame(Session *session, GError **error) {
  g_auto(Place) place = {0};
  if (!place_take(session, PLACE_NAMED, &place, error))
    return FALSE;
  if (!session_has(session, OPTION_JSON)) {
    if (!blame_value(session, place.key, place.name, error))
      return FALSE;
    note_owners(session, &place);
    return TRUE;
  }
  json_begin(&session->json, '[');
  if (!blame_value(session, place.key, place.name, error))
    return FALSE;
  json_end(&session->json, ']');
  g_string_append_c(session_out(session), '\n');
  return TRUE;
}

/* ---- rollback ---- */

static void print_rolled_back(Session *session, DBusMessageIter *answer) {
  dbus_uint64_t revision = 0;
  DBusMessageIter rows, row;
  GString *out = session_out(session);
  dbus_message_iter_get_basic(answer, &revision);
  dbus_message_iter_next(answer);
  session_note_trial(session, revision);
  if (!session_has(session, OPTION_JSON)) {
    for (dbus_message_iter_recurse(answer, &rows);
         session_has(session, OPTION_DRY_RUN) &&
         dbus_message_iter_get_arg_type(&rows) == DBUS_TYPE_STRUCT;
         dbus_message_iter_next(&rows)) {
      dbus_message_iter_recurse(&rows, &row);
      PastChange change = {.kind = reply_take_string(&row)};
      g_string_append_printf(out, "%s\t", change.kind);
      escape_append(out, reply_take_string(&row));
      if (past_change_is_of_value(&change)) {
        g_string_append_c(out, '\t');
        data_print_name(reply_take_string(&row), out);
      }
      g_string_append_c(out, '\n');
    }
    return;
  }
  Json *json = &session->json;
  json_begin(json, '{');
  json_member_number(json, "revision", revision);
  dbus_message_iter_recurse(answer, &rows);
  json_member_boolean(json, "changed", dbus_message_iter_get_arg_type(&rows) == DBUS_TYPE_STRUCT);
  json_name(json, "changes");
  json_begin(json, '[');
  for (dbus_message_iter_recurse(answer, &rows);
       dbus_message_iter_get_arg_type(&rows) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&rows)) {
    dbus_message_iter_recurse(&rows, &row);
    PastChange change = {.kind = reply_take_string(&row)};
    change.key = reply_take_string(&row);
    change.name = reply_take_string(&row);
    history_write_change(&change, json);
  }
  json_end(json, ']');
  json_end(json, '}');
  g_string_append_c(out, '\n');
}

/* Completes the request, and tells what it did. */
static gboolean go_back(Session *session, Request *request, guint64 revision, GError **error) {
  DBusMessageIter answer;
  request_check(request,
                dbus_message_iter_append_basic(&request->arguments, DBUS_TYPE_UINT64, &revision));
  request_open_options(request);
  session_add_write_options(session, request);
  request_close_options(request);
  g_autoptr(WireMessage) reply = session_call(session, request, &answer, error);
  if (reply == NULL || !session_check_reply(reply, "ta(sss)", error))
    return FALSE;
  print_rolled_back(session, &answer);
  return TRUE;
}

gboolean verb_rollback(Session *session, GError **error) {
  Request request;
  guint64 revision = 0;
  g_autofree char *key = data_parse_key(session_get_operand(session, 0), error);
  if (key == NULL || !parse_revision(session_get_operand(session, 1), &revision, error))
    return FALSE;
  request_begin(&request, "Rollback");
  request_add_string(&request, key);
  return go_back(session, &request, revision, error);
}

/* ---- confirm, undo ---- */

static gboolean decide_trial(Session *session, const char *method, guint64 revision,
                             GError **error) {
  Request request;
  request_begin(&request, method);
  request_check(&request,
                dbus_message_iter_append_basic(&request.arguments, DBUS_TYPE_UINT64, &revision));
  g_autoptr(WireMessage) reply = session_call(session, &request, NULL, error);
  if (reply == NULL)
    return FALSE;
  session_report(session, &(Written){revision, TRUE});
  return TRUE;
}

gboolean verb_confirm(Session *session, GError **error) {
  guint64 revision = 0;
  return parse_revision(session_get_operand(session, 0), &revision, error) &&
         decide_trial(session, "Confirm", revision, error);
}

static gboolean find_trial(Session *session, guint64 revision, gboolean *found, GError **error) {
  DBusMessageIter answer;
  g_autoptr(WireMessage) reply = standing_ask_trials(session, &answer, error);
  g_autoptr(GPtrArray) trials = reply != NULL ? history_read_list(&answer, error) : NULL;
  for (guint i = 0; trials != NULL && i < trials->len; i++)
    *found |= ((const PastRevision *)trials->pdata[i])->revision == revision;
  return trials != NULL;
}

/* What is on trial ends, unless more than that is asked. */
gboolean verb_undo(Session *session, GError **error) {
  Request request;
  guint64 revision = 0;
  gboolean is_on_trial = FALSE;
  gboolean is_plain = !session_has(session, OPTION_DRY_RUN) &&
                      !session_has(session, OPTION_COMMENT) &&
                      !session_has(session, OPTION_CONFIRM_WITHIN);
  if (!parse_revision(session_get_operand(session, 0), &revision, error) ||
      !find_trial(session, revision, &is_on_trial, error))
    return FALSE;
  if (is_on_trial && is_plain)
    return decide_trial(session, "EndTrial", revision, error);
  /* ListTrials does not list a trial to a maker who may no longer see what it changed. Without an
   * error nobody is asked for a password. */
  if (is_plain && decide_trial(session, "EndTrial", revision, NULL))
    return TRUE;
  request_begin(&request, "Undo");
  return go_back(session, &request, revision, error);
}

/* ---- purge ---- */

static gboolean check_purge(gboolean recursive, gboolean named, GError **error) {
  if (recursive && named)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "purge: -r is for all values at and below KEY, so no NAME can be given");
  return recursive || named ||
         error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "purge: NAME is missing (@ is the default value); -r takes all values at and "
                   "below KEY");
}

typedef struct {
  const char *key, *name; /* canonical; NULL: all values of all keys */
  gboolean found;
} OldData;

/* A link's target stays in history. */
static gboolean is_link_target(const PastChange *change) {
  const RegistryValue *value = change->new_value != NULL ? change->new_value : change->old_value;
  return registry_value_get_type(value) == REGISTRY_LINK &&
         path_equal_names(change->name, LINK_VALUE_NAME);
}

static gboolean is_known_data(const PastChange *change, const OldData *sought) {
  if (!past_change_is_of_value(change) || change->purged ||
      (change->old_value == NULL && change->new_value == NULL) || is_link_target(change))
    return FALSE;
  return sought->key == NULL || (path_compare_names(change->name, sought->name) == 0 &&
                                 path_compare_names(change->key, sought->key) == 0);
}

/* Ends the walk at data that is still known. What an entry had no room for may hold some. */
static gboolean find_known_data(G_GNUC_UNUSED Session *session, const PastRevision *revision,
                                gpointer data, G_GNUC_UNUSED GError **error) {
  OldData *sought = data;
  for (guint i = 0; !sought->found && i < revision->changes->len; i++)
    sought->found = is_known_data(g_ptr_array_index(revision->changes, i), sought);
  sought->found = sought->found || revision->changes_left > 0;
  return !sought->found;
}

/* Whether purging will make history forget anything; asked only if it is to be told. */
static gboolean find_old_data(Session *session, const Place *place, gboolean *found,
                              GError **error) {
  GError *problem = NULL;
  gboolean recursive = session_has(session, OPTION_RECURSIVE);
  if (!session_has(session, OPTION_JSON))
    return TRUE;
  g_autofree char *key = recursive ? NULL : find_canonical(session, place->key, error);
  if (!recursive && key == NULL)
    return FALSE;
  const char *const keys[] = {place->key, NULL};
  OldData sought = {.key = key, .name = place->name};
  if (!history_walk(session, keys, G_MAXUINT64, find_known_data, &sought, &problem) &&
      problem != NULL) {
    g_propagate_error(error, problem);
    return FALSE;
  }
  *found = sought.found;
  return TRUE;
}

static void report_purge(Session *session, const char *key, const char *name, gboolean changed) {
  gboolean recursive = session_has(session, OPTION_RECURSIVE);
  if (!session_has(session, OPTION_JSON))
    return;
  json_begin(&session->json, '{');
  json_member_string(&session->json, "key", key);
  json_member_string(&session->json, "name", name);
  json_member_boolean(&session->json, "recursive", recursive);
  json_member_boolean(&session->json, "changed", changed);
  json_end(&session->json, '}');
  g_string_append_c(session_out(session), '\n');
}

gboolean verb_purge(Session *session, GError **error) {
  Request request;
  g_auto(Place) place = {0};
  gboolean recursive = session_has(session, OPTION_RECURSIVE);
  gboolean changed = FALSE;
  if (!place_take(session, PLACE_NAME_OR_NOT, &place, error) ||
      !check_purge(recursive, place.named, error) ||
      !find_old_data(session, &place, &changed, error))
    return FALSE;
  request_begin(&request, "PurgeHistory");
  request_add_string(&request, place.key);
  request_add_string(&request, place.name);
  request_open_options(&request);
  request_check(&request, wire_append_entry_boolean(&request.options, "recursive", recursive));
  request_close_options(&request);
  g_autoptr(WireMessage) reply = session_call(session, &request, NULL, error);
  if (reply == NULL)
    return FALSE;
  report_purge(session, place.key, place.name, changed);
  return TRUE;
}
