/* SPDX-License-Identifier: MIT */
/* The verb trials: the changes that are undone unless they are confirmed. */
#include "client/base/escape.h"
#include "client/regctl/branch/history-pages.h"
#include "client/regctl/branch/standing.h"
#include "client/regctl/declare/declare-verbs.h"

static void print_trial(Session *session, const PastRevision *trial) {
  GString *out = session_out(session);
  history_print_head(session, trial);
  g_string_append(out, "\tuntil ");
  history_print_time(trial->deadline, out);
  if (*trial->comment) {
    g_string_append_c(out, '\t');
    escape_append(out, trial->comment);
  }
  g_string_append_c(out, '\n');
  history_print_changes(session, trial);
}

static void write_trial(Session *session, const PastRevision *trial) {
  Json *json = &session->json;
  json_begin(json, '{');
  history_write_head(trial, json);
  json_member_number(json, "deadline", trial->deadline);
  history_write_changes(trial, json);
  json_end(json, '}');
}

gboolean verb_trials(Session *session, GError **error) {
  DBusMessageIter answer;
  gboolean as_json = session_has(session, OPTION_JSON);
  g_autoptr(WireMessage) reply = standing_ask_trials(session, &answer, error);
  g_autoptr(GPtrArray) trials = reply != NULL ? history_read_list(&answer, error) : NULL;
  if (trials == NULL)
    return FALSE;
  if (as_json)
    json_begin(&session->json, '[');
  for (guint i = 0; i < trials->len; i++) {
    (as_json ? write_trial : print_trial)(session, g_ptr_array_index(trials, i));
    if (!session_flush_much(session, error))
      return FALSE;
  }
  if (!as_json)
    return TRUE;
  json_end(&session->json, ']');
  g_string_append_c(session_out(session), '\n');
  return TRUE;
}
