/* SPDX-License-Identifier: MIT */
/* The command line of every program: options by a table; the other words are operands.
 * Pure. */
#ifndef CLIENT_CLI_COMMAND_LINE_H
#define CLIENT_CLI_COMMAND_LINE_H

#include <glib.h>

/* The set of options is a guint32. */
#define COMMAND_LINE_MAX_OPTIONS 64
#define OPTION_BIT(option) (G_GUINT64_CONSTANT(1) << (option))

/* One option; its place in the table is its number. */
typedef struct {
  const char *name;         /* without hyphens */
  gboolean others;          /* texts besides the words may follow: those are what is offered */
  char letter;              /* 0: none */
  const char *argument;     /* the argument, as help shows it; NULL: it takes none */
  gboolean optional;        /* the argument may be left out; it stands behind "=" only */
  guint64 lowest, highest;  /* a number between these follows; both 0: any text */
  const char *const *words; /* the only texts that may follow; NULL: any */
  const char *help;
} OptionRow;

typedef struct {
  const char *program;
  const char *hint; /* ends the message about an unknown option */
  const OptionRow *rows;
  guint count; /* at most COMMAND_LINE_MAX_OPTIONS */
} OptionTable;

typedef struct {
  const OptionTable *table;
  gboolean given[COMMAND_LINE_MAX_OPTIONS];
  const char
      *texts[COMMAND_LINE_MAX_OPTIONS]; /* the argument; the last one if the option was repeated */
  guint64 numbers[COMMAND_LINE_MAX_OPTIONS];     /* of options that take a number */
  GPtrArray *repeated[COMMAND_LINE_MAX_OPTIONS]; /* see command_line_get_texts() */
  GPtrArray *operands;                           /* of const char *, then NULL */
  guint n_operands;
} CommandLine;

/* Everything borrows from @argv and @table. Options may stand anywhere before `--`, as
 * `--name`, `--name=text`, `--name text`, `-n`, `-ntext`, `-n text` or several letters
 * in one word. `-?` is --help. INVALID_ARGUMENTS: an unknown option (the message names near ones),
 * one that lacks what must follow it, a number out of its range, or a text that is not among its
 * words. */
CommandLine *command_line_parse(const OptionTable *table, int argc, char **argv, GError **error);
void command_line_free(CommandLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CommandLine, command_line_free)

/* All texts that were given for a repeated @option, in their order; NULL-terminated,
 * borrowed from @line. NULL: it was not given. */
const char *const *command_line_get_texts(const CommandLine *line, guint option);

/* INVALID_ARGUMENTS: an option was given that is not in @allowed (bits). */
gboolean command_line_check_options(const CommandLine *line, const char *verb, guint64 allowed,
                                    GError **error);

/* "--type=TYPE", "-t, --type=TYPE" or "--type[=TYPE]": for help and messages. Owned by the caller.
 */
char *option_describe(const OptionTable *table, guint option);

#endif
