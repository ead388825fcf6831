/* SPDX-License-Identifier: MIT */
/* The functions behind the verbs on what is locked, as verbs.h has them. */
#ifndef CLIENT_REGCTL_DECLARE_DECLARE_VERBS_H
#define CLIENT_REGCTL_DECLARE_DECLARE_VERBS_H

#include "client/regctl/session/session.h"

/* lock-verbs.c */
gboolean verb_lock(Session *session, GError **error);
gboolean verb_unlock(Session *session, GError **error);

#endif
