/* SPDX-License-Identifier: MIT */
/* The table of verbs: what each takes, and what --help says about it. */
#ifndef CLIENT_REGCTL_VERB_TABLE_H
#define CLIENT_REGCTL_VERB_TABLE_H

#include "client/regctl/verbs/verbs.h"

/* See verbs.h. */
typedef gboolean (*VerbFunction)(Session *session, GError **error);

typedef struct {
  const char *name;
  const char *operands; /* as the usage line shows them */
  guint fewest, most;   /* operands */
  guint64 options;      /* bits, beside those of every verb */
  gboolean pages;       /* may fill more than a window */
  gboolean writes;      /* by a commit, so that it takes OPTIONS_OF_WRITES too */
  VerbFunction run;     /* NULL: help, which needs this table */
  const char *summary;  /* one line */
  const char *help;     /* paragraphs, or NULL */
} Verb;

/* Ends with a row without a name. */
extern const Verb verbs[];
/* NULL: there is none. */
const Verb *verb_find(const char *name);
/* Names that @name may have been meant for, in quotes; "" if none is near. Owned by the
 * caller. */
char *verb_suggest(const char *name);
guint64 verb_get_options(const Verb *verb);

#endif
