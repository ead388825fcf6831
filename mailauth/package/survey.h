/* SPDX-License-Identifier: MIT */
/* Of which kinds the native accounts are, kept as they change: for what stands in for an
 * account that is not there (stand-in.h). */
#ifndef MAILAUTH_PACKAGE_SURVEY_H
#define MAILAUTH_PACKAGE_SURVEY_H

#include "client/registry.h"
#include "mailauth/base/limits.h"

/* The value of the accounts' key (REG_BINARY of SURVEY_KEY_BYTES) which false salts are
 * made by. mailauthctl keeps it. */
#define DECOY_KEY_VALUE "Decoy Key"

typedef struct Survey Survey;
/* The kind of @account, owned; NULL for none. *@sample (owned): an example of it, with nothing
 * secret in it. */
typedef char *(*SurveyRead)(const RegistryView *accounts, const char *account, char **sample);

/* Borrows the view for as long as it lives. */
Survey *survey_new(const RegistryView *accounts, SurveyRead read);
void survey_free(Survey *survey);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Survey, survey_free)

/* @account has been written to; NULL: any may have been. Without it, accounts are looked at
 * once. */
void survey_touch(Survey *survey, const char *account);

/* The sample that stands in for @name; NULL if no account has any. Borrowed until the next
 * call. */
const char *survey_choose(Survey *survey, const char *name);

/* The key that false answers are made by (SURVEY_KEY_BYTES): the registry's, else this
 * process's own, until it ends. */
#define SURVEY_KEY_BYTES 32
const guint8 *survey_get_key(const Survey *survey);
/* NULL: the registry keeps none. */
const guint8 *survey_get_kept_key(const RegistryView *accounts);

#endif
