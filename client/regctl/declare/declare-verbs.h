/* SPDX-License-Identifier: MIT */
/* The functions behind the verbs on what is declared, locked and on trial, as verbs.h has them. */
#ifndef CLIENT_REGCTL_DECLARE_DECLARE_VERBS_H
#define CLIENT_REGCTL_DECLARE_DECLARE_VERBS_H

#include "client/regctl/session/session.h"

/* apply-verb.c */
gboolean verb_apply(Session *session, GError **error);
/* declared-verbs.c */
gboolean verb_declared(Session *session, GError **error);
gboolean verb_drift(Session *session, GError **error);
gboolean verb_disown(Session *session, GError **error);
/* lock-verbs.c */
gboolean verb_lock(Session *session, GError **error);
gboolean verb_unlock(Session *session, GError **error);
gboolean verb_locks(Session *session, GError **error);
/* trials-verb.c */
gboolean verb_trials(Session *session, GError **error);

#endif
