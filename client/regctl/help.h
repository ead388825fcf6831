/* SPDX-License-Identifier: MIT */
/* What --help prints, made out of the tables. Pure. */
#ifndef CLIENT_REGCTL_HELP_H
#define CLIENT_REGCTL_HELP_H

#include "client/regctl/verb-table.h"

void help_print(GString *out);
void help_print_verb(const Verb *verb, GString *out);
/* "regctl get KEY NAME"; owned by the caller. */
char *help_get_usage(const Verb *verb);

#endif
