/* SPDX-License-Identifier: MIT */
/* Everything that does not work, as administrators are told of it: each line names what,
 * and why. Gathered from what the verifier knows; nothing is asked or tried here. */
#ifndef MAILAUTH_VERIFIER_PROBLEMS_H
#define MAILAUTH_VERIFIER_PROBLEMS_H

#include "mailauth/settings/live-settings.h"
#include "mailauth/verifier/publisher.h"

/* Owned strings. @publisher may be NULL: what others open is not known then. */
GPtrArray *problems_list(Views *views, const Publisher *publisher);

#endif
