/* SPDX-License-Identifier: MIT */
/* `user app-password NAME add|list|remove [LABEL]`. */
#ifndef MAILAUTH_MAILAUTHCTL_APP_PASSWORD_VERB_H
#define MAILAUTH_MAILAUTHCTL_APP_PASSWORD_VERB_H

#include "mailauth/mailauthctl/ctl.h"

/* The longest label, in bytes. */
#define MAX_LABEL 64

/* The operands are those of `user`, "app-password" the first. */
gboolean app_password_run(Ctl *ctl, GError **error);

#endif
