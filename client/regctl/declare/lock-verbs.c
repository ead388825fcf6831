/* SPDX-License-Identifier: MIT */
/* The verbs lock and unlock. */
#include "client/regctl/branch/history-pages.h"
#include "client/regctl/declare/declare-verbs.h"
#include "client/regctl/verbs/place.h"

static gboolean check_place(const Session *session, const Place *place, GError **error) {
  gboolean recursive = session_has(session, OPTION_RECURSIVE);
  if (recursive && place->named)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s: -r is for the key and all below it, so no NAME can be given", place->key);
  return recursive || place->named ||
         error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "%s: NAME is missing (@ is the default value); -r takes the key and all below "
                   "it",
                   place->key);
}

static gboolean change_lock(Session *session, const char *member, const char *reason,
                            GError **error) {
  Request request;
  g_auto(Place) place = {0};
  Sought sought = {.kind = "lock-changed"};
  if (!place_take(session, PLACE_NAME_OR_NOT, &place, error) ||
      !check_place(session, &place, error) ||
      (session_has(session, OPTION_JSON) && !session_read_revision(session, &sought.before, error)))
    return FALSE;
  request_begin(&request, member);
  request_add_string(&request, place.key);
  request_add_string(&request, place.name);
  if (reason != NULL)
    request_add_string(&request, reason);
  request_open_options(&request);
  request_check(&request, wire_append_entry_boolean(&request.options, "recursive",
                                                    session_has(session, OPTION_RECURSIVE)));
  session_add_write_options(session, &request);
  request_close_options(&request);
  return session_write(session, &request, &sought.revision, error) &&
         history_report(session, place.key, &sought, error);
}

gboolean verb_lock(Session *session, GError **error) {
  const char *reason = session->line->texts[OPTION_REASON];
  if (reason == NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "lock: --reason=TEXT is missing: those who meet the lock have to know why");
  return change_lock(session, "Lock", reason, error);
}

gboolean verb_unlock(Session *session, GError **error) {
  return change_lock(session, "Unlock", NULL, error);
}
