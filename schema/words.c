/* SPDX-License-Identifier: MIT */
/* Words of a schema file: lists separated by `|`, quoted where they must be. */
#include "schema/words.h"

#include <string.h>

#include "client/base/error.h"

static const char *skip_blanks(const char *at) {
  return at + strspn(at, " \t");
}

/* *@at stands behind the opening quote; moves it behind the closing one. */
static char *take_quoted(const char **at, GError **error) {
  g_autoptr(GString) word = g_string_new(NULL);
  const char *rest = *at;
  for (; *rest != '"'; rest++) {
    if (*rest == '\\' && (rest[1] == '"' || rest[1] == '\\'))
      rest++;
    else if (*rest == '\\') {
      error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                "a backslash in quotes stands before a quote or another backslash");
      return NULL;
    }
    if (*rest == '\0') {
      error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the closing quote is missing");
      return NULL;
    }
    g_string_append_c(word, *rest);
  }
  *at = rest + 1;
  return g_string_free(g_steal_pointer(&word), FALSE);
}

/* Moves *@at to the separator or the end. */
static char *take_bare(const char **at, GError **error) {
  gsize length = strcspn(*at, "|");
  g_autofree char *word = g_strchomp(g_strndup(*at, length));
  *at += length;
  if (*word == '\0') {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "an empty word is written \"\"");
    return NULL;
  }
  return g_steal_pointer(&word);
}

static char *take_word(const char **at, GError **error) {
  if (**at != '"')
    return take_bare(at, error);
  (*at)++;
  g_autofree char *word = take_quoted(at, error);
  *at = skip_blanks(*at);
  if (word == NULL || **at == '\0' || **at == '|')
    return g_steal_pointer(&word);
  error_set(error, REGISTRY_ERROR_INVALID_VALUE,
            "after the closing quote comes the end of the line, or | and another word");
  return NULL;
}

GStrv words_parse(const char *text, GError **error) {
  g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
  const char *at = skip_blanks(text);
  gboolean more = *at != '\0';
  while (more) {
    char *word = take_word(&at, error);
    if (word == NULL)
      return NULL;
    g_ptr_array_add(words, word);
    more = *at == '|';
    at = skip_blanks(at + (more ? 1 : 0));
  }
  g_ptr_array_add(words, NULL);
  return (GStrv)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

char *words_parse_one(const char *text, GError **error) {
  g_auto(GStrv) words = words_parse(text, error);
  if (words == NULL)
    return NULL;
  if (g_strv_length(words) == 1)
    return g_strdup(words[0]);
  error_set(error, REGISTRY_ERROR_INVALID_VALUE,
            "one word is expected; one that is empty or holds | stands in quotes");
  return NULL;
}
