/* SPDX-License-Identifier: MIT */
/* `user show NAME` and `user set NAME`: where an account's mailbox is, if it is not where
 * everybody's are. */
#ifndef MAILAUTH_MAILAUTHCTL_USER_PLACE_VERB_H
#define MAILAUTH_MAILAUTHCTL_USER_PLACE_VERB_H

#include "mailauth/mailauthctl/ctl.h"

/* The operands are those of `user`, "show" or "set" the first. */
gboolean user_place_run(Ctl *ctl, GError **error);

#endif
