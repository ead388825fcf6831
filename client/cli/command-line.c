/* SPDX-License-Identifier: MIT */
/* The command line of every program. */
#include "client/cli/command-line.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/number.h"
#include "client/cli/near.h"

char *option_describe(const OptionTable *table, guint option) {
  const OptionRow *row = &table->rows[option];
  g_autofree char *letter = row->letter != 0 ? g_strdup_printf("-%c, ", row->letter) : NULL;
  g_autofree char *argument = row->argument == NULL
                                  ? NULL
                                  : g_strdup_printf(row->optional ? "[=%s]" : "=%s", row->argument);
  return g_strconcat(letter != NULL ? letter : "", "--", row->name, argument, NULL);
}

/* ---- one option ---- */

static gboolean fails(GError **error, const char *word, const char *why) {
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "%s: %s", word, why);
}

/* @name as it stands on the command line, without hyphens and what follows "=". */
static gboolean fail_unknown(const OptionTable *table, const char *word, const char *name,
                             GError **error) {
  g_autoptr(GString) near = g_string_new(NULL);
  for (guint i = 0; i < table->count; i++)
    near_note(name, "--", table->rows[i].name, near);
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "%s: no such option%s%s%s; %s", word,
                   near->len > 0 ? " (did you mean " : "", near->str, near->len > 0 ? "?)" : "",
                   table->hint);
}

static gboolean find_long(const OptionTable *table, const char *name, guint *option) {
  for (guint i = 0; i < table->count; i++) {
    if (strcmp(table->rows[i].name, name) != 0)
      continue;
    *option = i;
    return TRUE;
  }
  return FALSE;
}

static gboolean find_letter(const OptionTable *table, char letter, guint *option) {
  if (letter == '?')
    return find_long(table, "help", option);
  for (guint i = 0; i < table->count; i++) {
    if (table->rows[i].letter != letter)
      continue;
    *option = i;
    return TRUE;
  }
  return FALSE;
}

static void note_text(CommandLine *line, guint option, char *text) {
  line->given[option] = TRUE;
  line->texts[option] = text;
  if (text == NULL)
    return;
  if (line->repeated[option] == NULL)
    line->repeated[option] = g_ptr_array_new_null_terminated(1, NULL, TRUE);
  g_ptr_array_add(line->repeated[option], text);
}

static gboolean check_word(const OptionRow *row, const char *text, GError **error) {
  if (row->words == NULL || row->others || g_strv_contains(row->words, text))
    return TRUE;
  return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "--%s: \"%s\" is none of %s", row->name,
                   text, row->help);
}

static gboolean take(CommandLine *line, guint option, char *text, GError **error) {
  const OptionRow *row = &line->table->rows[option];
  note_text(line, option, text);
  if (row->highest == 0)
    return text == NULL || check_word(row, text, error);
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
static gboolean take_following(Words *words, guint option, char *rest, GError **error) {
  if (rest != NULL)
    return take(words->line, option, rest, error);
  if (words->at < words->count)
    return take(words->line, option, words->words[words->at++], error);
  g_autofree char *described = option_describe(words->line->table, option);
  return fails(error, described, "nothing follows it");
}

/* `--name`, `--name=text` or `--name text`. */
static gboolean take_long(Words *words, char *word, GError **error) {
  const OptionTable *table = words->line->table;
  guint option = 0;
  gsize length = strcspn(word + 2, "=");
  char *text = word[2 + length] == '=' ? word + 3 + length : NULL;
  g_autofree char *name = g_strndup(word + 2, length);
  if (!find_long(table, name, &option))
    return fail_unknown(table, word, name, error);
  if (table->rows[option].argument != NULL && (text != NULL || !table->rows[option].optional))
    return take_following(words, option, text, error);
  if (text != NULL)
    return fails(error, word, "nothing may follow this option");
  return take(words->line, option, NULL, error);
}

/* `-qr`, `-t sz` or `-tsz`. */
static gboolean take_letters(Words *words, char *word, GError **error) {
  const OptionTable *table = words->line->table;
  for (char *letter = word + 1; *letter != '\0'; letter++) {
    guint option = 0;
    if (!find_letter(table, *letter, &option))
      return fail_unknown(table, word, word + 1, error);
    if (table->rows[option].argument != NULL)
      return take_following(words, option, letter[1] != '\0' ? letter + 1 : NULL, error);
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

CommandLine *command_line_parse(const OptionTable *table, int argc, char **argv, GError **error) {
  g_autoptr(CommandLine) line = g_new0(CommandLine, 1);
  line->table = table;
  line->operands = g_ptr_array_new();
  Words words = {.line = line, .words = argv, .at = 1, .count = (guint)MAX(argc, 1)};
  if (!take_words(&words, error))
    return NULL;
  line->n_operands = line->operands->len;
  g_ptr_array_add(line->operands, NULL);
  return g_steal_pointer(&line);
}

void command_line_free(CommandLine *line) {
  if (line == NULL)
    return;
  for (guint i = 0; i < COMMAND_LINE_MAX_OPTIONS; i++)
    g_clear_pointer(&line->repeated[i], g_ptr_array_unref);
  g_ptr_array_unref(line->operands);
  g_free(line);
}

const char *const *command_line_get_texts(const CommandLine *line, guint option) {
  const GPtrArray *texts = line->repeated[option];
  return texts != NULL ? (const char *const *)texts->pdata : NULL;
}

gboolean command_line_check_options(const CommandLine *line, const char *verb, guint64 allowed,
                                    GError **error) {
  for (guint i = 0; i < line->table->count; i++) {
    if (!line->given[i] || (allowed & OPTION_BIT(i)) != 0)
      continue;
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "%s: it takes no option --%s; %s %s --help says what it takes", verb,
                     line->table->rows[i].name, line->table->program, verb);
  }
  return TRUE;
}
