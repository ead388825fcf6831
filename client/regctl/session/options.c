/* SPDX-License-Identifier: MIT */
/* The command line. */
#include "client/regctl/session/options.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/number.h"
#include "client/base/protocol.h"

typedef struct {
  const char *name;
  char letter;             /* 0: none */
  const char *argument;    /* what follows, for help; NULL: nothing */
  guint64 lowest, highest; /* a number between these follows; both 0: any text */
  const char *help;
} OptionRow;

static const OptionRow options[N_OPTIONS] = {
    [OPTION_BUS] = {"bus", 0, "BUS", 0, 0,
                    "the bus that regd is on: system (default), session or a D-Bus address"},
    [OPTION_DATABASE] = {"database", 0, "FILE", 0, 0,
                         "work on that database, which no regd serves, without any bus"},
    [OPTION_JSON] = {"json", 0, NULL, 0, 0, "print JSON"},
    [OPTION_QUIET] = {"quiet", 'q', NULL, 0, 0, "print errors alone on standard error"},
    [OPTION_HELP] = {"help", 'h', NULL, 0, 0, "print help and exit"},
    [OPTION_VERSION] = {"version", 0, NULL, 0, 0, "print the version and exit"},
    [OPTION_COMMENT] = {"comment", 0, "TEXT", 0, 0, "kept with the revision in history"},
    [OPTION_CONFIRM_WITHIN] = {"confirm-within", 0, "SECONDS", 1, LIMIT_TRIAL_SECONDS,
                               "undo the change unless it is confirmed in that time"},
    [OPTION_TYPE] = {"type", 't', "TYPE", 0, 0,
                     "sz, expand, multi, dword, qword, binary, none, dword-be, link, a REG_ name "
                     "or a number"},
    [OPTION_VOLATILE] = {"volatile", 0, NULL, 0, 0, "the key is gone when regd restarts"},
    [OPTION_LINK] = {"link", 0, "TARGET", 0, 0, "the key is a symbolic link to that path"},
    [OPTION_CLASS] = {"class", 0, "CLASS", 0, 0, "the key's class"},
    [OPTION_RECURSIVE] = {"recursive", 'r', NULL, 0, 0, "with all sub-keys"},
    [OPTION_NO_FOLLOW] = {"no-follow", 0, NULL, 0, 0, "of a link itself, not of its target"},
    [OPTION_DEPTH] = {"depth", 'd', "N", 0, G_MAXUINT32,
                      "levels below the key; 0 is the key alone"},
    [OPTION_KEYS] = {"keys", 0, NULL, 0, 0, "look at the names of keys"},
    [OPTION_VALUES] = {"values", 0, NULL, 0, 0, "look at the names of values"},
    [OPTION_DATA] = {"data", 0, NULL, 0, 0, "look at the data of values"},
    [OPTION_SINCE] = {"since", 0, "REV", 0, G_MAXUINT64,
                      "begin with what has happened after that revision"},
    [OPTION_COUNT] = {"count", 0, "N", 1, G_MAXUINT32,
                      "end after that many events; those of one revision stay together"},
    [OPTION_INHERIT] = {"inherit", 0, NULL, 0, 0, "remove the key's own list"},
    [OPTION_DRY_RUN] = {"dry-run", 0, NULL, 0, 0, "check everything and keep nothing"},
    [OPTION_LIMIT] = {"limit", 'n', "N", 1, G_MAXUINT64, "the newest N revisions alone"},
    [OPTION_FORMAT] = {"format", 0, "FORMAT", 0, 0, "reg5 (default), reg4 or json"},
    [OPTION_ENCODING] = {"encoding", 0, "ENCODING", 0, 0, "utf-16le (default) or utf-8"},
    [OPTION_AT] = {"at", 0, "REV", 0, G_MAXUINT64, "as it was at that revision"},
    [OPTION_SKIP_UNREADABLE] = {"skip-unreadable", 0, NULL, 0, 0, "leave out what may not be read"},
    [OPTION_ONLY_MISSING] = {"only-missing", 0, NULL, 0, 0,
                             "add what is not there, and leave what is as it is"},
    [OPTION_PRECHECK] = {"precheck", 0, "FILE", 0, 0,
                         "only where what this .reg file says holds already"},
    [OPTION_STRICT] = {"strict", 0, NULL, 0, 0, "fail at the first line that can't be read"},
};

/* The texts that may follow an option where not any may. */
static const struct {
  OptionName option;
  const char *words[4];
} vocabularies[] = {
    {OPTION_FORMAT, {"reg5", "reg4", "json", NULL}},
    {OPTION_ENCODING, {"utf-16le", "utf-8", NULL, NULL}},
};

static gboolean takes_number(const OptionRow *row) {
  return row->highest > 0;
}

char *option_describe(OptionName option) {
  const OptionRow *row = &options[option];
  g_autofree char *letter = row->letter ? g_strdup_printf("-%c, ", row->letter) : NULL;
  return g_strconcat(letter ? letter : "", "--", row->name, row->argument ? "=" : "",
                     row->argument ? row->argument : "", NULL);
}

const char *option_get_help(OptionName option) {
  return options[option].help;
}

/* ---- one option ---- */

static gboolean fails(GError **error, const char *word, const char *why) {
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "%s: %s", word, why);
}

static gboolean find_long(const char *name, gsize length, OptionName *option) {
  for (guint i = 0; i < N_OPTIONS; i++) {
    if (strlen(options[i].name) != length || memcmp(options[i].name, name, length) != 0)
      continue;
    *option = (OptionName)i;
    return TRUE;
  }
  return FALSE;
}

static gboolean find_letter(char letter, OptionName *option) {
  for (guint i = 0; i < N_OPTIONS; i++) {
    if (!options[i].letter || options[i].letter != letter)
      continue;
    *option = (OptionName)i;
    return TRUE;
  }
  return FALSE;
}

static gboolean check_word(OptionName option, const char *text, GError **error) {
  for (gsize i = 0; i < G_N_ELEMENTS(vocabularies); i++)
    if (vocabularies[i].option == option && !g_strv_contains(vocabularies[i].words, text))
      return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "--%s: \"%s\" is none of %s",
                       options[option].name, text, options[option].help);
  return TRUE;
}

static gboolean take(CommandLine *line, OptionName option, const char *text, GError **error) {
  const OptionRow *row = &options[option];
  line->given[option] = TRUE;
  line->texts[option] = text;
  if (!takes_number(row))
    return !text || check_word(option, text, error);
  if (number_parse(text, row->highest, &line->numbers[option]) &&
      line->numbers[option] >= row->lowest)
    return TRUE;
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                   "--%s: %s is no number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                   row->name, text, row->lowest, row->highest);
}

/* ---- the words ---- */

typedef struct {
  CommandLine *line;
  char **words;
  guint at, count;
} Words;

/* What follows an option: the rest of its own word, or the next word. */
static gboolean take_following(Words *words, OptionName option, const char *rest, GError **error) {
  if (rest)
    return take(words->line, option, rest, error);
  if (words->at < words->count)
    return take(words->line, option, words->words[words->at++], error);
  g_autofree char *described = option_describe(option);
  return fails(error, described, "nothing follows it");
}

/* `--name`, `--name=text` or `--name text`. */
static gboolean take_long(Words *words, const char *word, GError **error) {
  OptionName option = N_OPTIONS;
  gsize length = strcspn(word + 2, "=");
  const char *text = word[2 + length] == '=' ? word + 3 + length : NULL;
  if (!find_long(word + 2, length, &option))
    return fails(error, word, "no such option; data that begins with - stands after --");
  if (options[option].argument)
    return take_following(words, option, text, error);
  if (text)
    return fails(error, word, "nothing may follow this option");
  return take(words->line, option, NULL, error);
}

/* `-qr`, `-t sz` or `-tsz`. */
static gboolean take_letters(Words *words, const char *word, GError **error) {
  for (const char *letter = word + 1; *letter; letter++) {
    OptionName option = N_OPTIONS;
    if (!find_letter(*letter, &option))
      return fails(error, word, "no such option; data that begins with - stands after --");
    if (options[option].argument)
      return take_following(words, option, letter[1] ? letter + 1 : NULL, error);
    if (!take(words->line, option, NULL, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean take_words(Words *words, GError **error) {
  gboolean only_operands = FALSE;
  while (words->at < words->count) {
    char *word = words->words[words->at++];
    if (only_operands || word[0] != '-' || word[1] == '\0')
      g_ptr_array_add(words->line->operands, word);
    else if (strcmp(word, "--") == 0)
      only_operands = TRUE;
    else if (!(word[1] == '-' ? take_long : take_letters)(words, word, error))
      return FALSE;
  }
  return TRUE;
}

CommandLine *command_line_parse(int argc, char **argv, GError **error) {
  g_autoptr(CommandLine) line = g_new0(CommandLine, 1);
  line->operands = g_ptr_array_new();
  Words words = {line, argv, 1, (guint)MAX(argc, 1)};
  if (!take_words(&words, error))
    return NULL;
  line->n_operands = line->operands->len;
  g_ptr_array_add(line->operands, NULL);
  return g_steal_pointer(&line);
}

void command_line_free(CommandLine *line) {
  if (!line)
    return;
  g_ptr_array_unref(line->operands);
  g_free(line);
}

gboolean command_line_check_options(const CommandLine *line, const char *verb, guint32 allowed,
                                    GError **error) {
  for (guint i = 0; i < N_OPTIONS; i++) {
    if (!line->given[i] || (allowed & OPTION_BIT(i)))
      continue;
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s: it takes no option --%s; regctl %s --help says what it takes", verb,
                     options[i].name, verb);
  }
  return TRUE;
}
