/* What --help prints, made out of the tables. Pure. */
#ifndef REGISTRY_REGCTL_HELP_H
#define REGISTRY_REGCTL_HELP_H

#include "client/regctl/verb-table.h"

void help_print(GString *out);
void help_print_verb(const Verb *verb, GString *out);
/* "regctl get KEY NAME"; owned by the caller. */
char *help_get_usage(const Verb *verb);

#endif
