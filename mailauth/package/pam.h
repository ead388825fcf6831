/* Native accounts behind PAM: `Native Source` PAM, with the service that `PAM
 * Service` names. Its modules may block for long and delay failures, so they run
 * on threads of their own. */
#ifndef MAILAUTH_PACKAGE_PAM_H
#define MAILAUTH_PACKAGE_PAM_H

#include "mailauth/package/package.h"

/* @directory: where services are defined; NULL is the system's. Copied. Its
 * free() answers nobody, and does not wait for modules. */
Package *pam_new(const char *directory);

#endif
