/* SPDX-License-Identifier: MIT */
/* The command line: options by one table, and what is left as operands. Pure. */
#ifndef CLIENT_REGCTL_SESSION_OPTIONS_H
#define CLIENT_REGCTL_SESSION_OPTIONS_H

#include "client/registry.h"

typedef enum {
  /* go with every verb */
  OPTION_BUS,
  OPTION_DATABASE,
  OPTION_JSON,
  OPTION_QUIET,
  OPTION_HELP,
  OPTION_VERSION,
  /* go with every verb that writes */
  OPTION_COMMENT,
  OPTION_CONFIRM_WITHIN,
  /* go with the verbs that list them */
  OPTION_TYPE,
  OPTION_VOLATILE,
  OPTION_LINK,
  OPTION_CLASS,
  OPTION_RECURSIVE,
  OPTION_NO_FOLLOW,
  OPTION_DEPTH,
  OPTION_KEYS,
  OPTION_VALUES,
  OPTION_DATA,
  OPTION_SINCE,
  OPTION_COUNT,
  OPTION_INHERIT,
  OPTION_DRY_RUN,
  OPTION_STRICT,
  OPTION_LIMIT,
  OPTION_FORMAT,
  OPTION_ENCODING,
  OPTION_AT,
  OPTION_SKIP_UNREADABLE,
  OPTION_ONLY_MISSING,
  OPTION_PRECHECK,
  N_OPTIONS
} OptionName;

#define OPTION_BIT(name) (1U << (name))
#define OPTIONS_OF_ALL                                                                             \
  (OPTION_BIT(OPTION_BUS) | OPTION_BIT(OPTION_DATABASE) | OPTION_BIT(OPTION_JSON) |                \
   OPTION_BIT(OPTION_QUIET) | OPTION_BIT(OPTION_HELP) | OPTION_BIT(OPTION_VERSION))
#define OPTIONS_OF_WRITES (OPTION_BIT(OPTION_COMMENT) | OPTION_BIT(OPTION_CONFIRM_WITHIN))

typedef struct {
  gboolean given[N_OPTIONS];
  const char *texts[N_OPTIONS]; /* what followed; of the last where it was given twice */
  guint64 numbers[N_OPTIONS];   /* of options that take a number */
  GPtrArray *operands;          /* of const char *, then NULL; the verb is the first */
  guint n_operands;
} CommandLine;

/* Everything borrows from @argv. INVALID_ARGUMENTS: an unknown option, one that
 * lacks what must follow it, or a number out of its range. Options may stand
 * anywhere before `--`. */
CommandLine *command_line_parse(int argc, char **argv, GError **error);
void command_line_free(CommandLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CommandLine, command_line_free)
/* INVALID_ARGUMENTS where an option was given that is not in @allowed (bits). */
gboolean command_line_check_options(const CommandLine *line, const char *verb, guint32 allowed,
                                    GError **error);

/* "--type=TYPE", "-t TYPE" or both: for help and messages. Owned by the caller. */
char *option_describe(OptionName option);
const char *option_get_help(OptionName option);

#endif
