/* SPDX-License-Identifier: MIT */
/* Native accounts behind PAM: `Native Source` PAM, with the service that `PAM Service`
 * names. Its modules may block for long, and their code is not ours, so they run in
 * processes of their own (pam-pool.h). */
#ifndef MAILAUTH_PACKAGE_PAM_H
#define MAILAUTH_PACKAGE_PAM_H

#include "mailauth/package/package.h"
#include "mailauth/pam/pam-pool.h"

/* @pool: borrowed, and needed until the package is freed. */
Package *pam_new(PamPool *pool);

#endif
