/* SPDX-License-Identifier: MIT */
/* The functions behind the verbs. Each returns FALSE with @error set when it failed;
 * else session->exit_code is what regctl ends with. */
#ifndef CLIENT_REGCTL_VERBS_VERBS_H
#define CLIENT_REGCTL_VERBS_VERBS_H

#include "client/regctl/session/session.h"

/* value-verbs.c */
gboolean verb_get(Session *session, GError **error);
gboolean verb_set(Session *session, GError **error);
gboolean verb_unset(Session *session, GError **error);
/* key-verbs.c */
gboolean verb_create(Session *session, GError **error);
gboolean verb_rm(Session *session, GError **error);
gboolean verb_mv(Session *session, GError **error);
gboolean verb_cp(Session *session, GError **error);
gboolean verb_info(Session *session, GError **error);
/* list-verbs.c */
gboolean verb_ls(Session *session, GError **error);
gboolean verb_tree(Session *session, GError **error);
/* find-verb.c */
gboolean verb_find_matches(Session *session, GError **error);
/* watch-verb.c */
gboolean verb_watch(Session *session, GError **error);
/* access-verb.c */
gboolean verb_acl(Session *session, GError **error);
/* schema-verbs.c */
gboolean verb_describe(Session *session, GError **error);
gboolean verb_validate(Session *session, GError **error);
/* import-verb.c */
gboolean verb_import(Session *session, GError **error);
/* edit-verb.c */
gboolean verb_edit(Session *session, GError **error);
/* export-verb.c */
gboolean verb_export(Session *session, GError **error);
gboolean verb_backup(Session *session, GError **error);
/* diff-verb.c */
gboolean verb_diff(Session *session, GError **error);
/* history-verbs.c */
gboolean verb_history(Session *session, GError **error);
gboolean verb_blame(Session *session, GError **error);
gboolean verb_rollback(Session *session, GError **error);
gboolean verb_confirm(Session *session, GError **error);
gboolean verb_undo(Session *session, GError **error);
gboolean verb_purge(Session *session, GError **error);
/* status-verb.c */
gboolean verb_status(Session *session, GError **error);

#endif
