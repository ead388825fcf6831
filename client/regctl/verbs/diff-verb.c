/* SPDX-License-Identifier: MIT */
/* The verb diff: the differences between two keys or files. */
#include <string.h>

#include "client/base/number.h"
#include "client/base/path.h"
#include "client/cli/data.h"
#include "client/regctl/branch/difference.h"
#include "client/regctl/branch/source.h"
#include "client/regctl/verbs/verbs.h"

/* One of the two operands. */
typedef struct {
  const char *text;
  char *key; /* NULL: a file */
  gboolean has_at;
  guint64 at;
} Side;

static void side_clear(Side *side) {
  g_free(side->key);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Side, side_clear)

/* Whether it begins with a root; such a word is a key, not a file. */
static gboolean names_key(const char *text) {
  const char *at = strchr(text, '@');
  gsize length = at != NULL ? (gsize)(at - text) : strlen(text);
  g_autofree char *before = g_strndup(text, length);
  g_autofree char *key = data_parse_key(before, NULL);
  g_autofree char *whole = data_parse_key(text, NULL);
  return (key != NULL && *key) || (whole != NULL && *whole);
}

/* KEY, KEY@REVISION, KEY@ (for a key whose own name ends like a revision), or a file. */
static gboolean parse_side(const char *text, Side *side, GError **error) {
  side->text = text;
  if (!names_key(text))
    return TRUE;
  const char *at = strrchr(text, '@');
  gboolean numbered = at != NULL && number_parse(at + 1, G_MAXUINT64, &side->at);
  gboolean suffixed = numbered || (at != NULL && at[1] == '\0');
  g_autofree char *operand = suffixed ? g_strndup(text, (gsize)(at - text)) : g_strdup(text);
  side->has_at = numbered;
  side->key = data_parse_key(operand, error);
  return side->key != NULL;
}

static Branch *read_file(Session *session, const Side *side, const Branch *like, GError **error) {
  g_autoptr(Change) change = source_read_file(session, side->text, &(SourceReading){0}, error);
  if (change == NULL)
    return NULL;
  Branch *branch = branch_new(like != NULL ? like->base : "", like != NULL ? like->asked : NULL);
  branch_apply(branch, change);
  return branch;
}

/* @like: the other side if that is a key: the keys of a file are compared relative to it. */
static Branch *read_side(Session *session, const Side *side, const Branch *like, GError **error) {
  if (side->key != NULL)
    return source_read_key(session, side->key, side->has_at ? &side->at : NULL, error);
  return read_file(session, side, like, error);
}

static gboolean compare_sides(Session *session, const Side *a, const Side *b, GError **error) {
  /* Keys first: files are compared relative to them. */
  gboolean b_first = a->key == NULL && b->key != NULL;
  g_autoptr(Branch) first = read_side(session, b_first ? b : a, NULL, error);
  if (first == NULL)
    return FALSE;
  gboolean has_key = a->key != NULL || b->key != NULL;
  g_autoptr(Branch) second = read_side(session, b_first ? a : b, has_key ? first : NULL, error);
  if (second == NULL)
    return FALSE;
  gboolean differ = difference_print(session, b_first ? second : first, a->text,
                                     b_first ? first : second, b->text);
  session->exit_code = differ ? EXIT_CODE_FAILED : EXIT_CODE_DONE;
  return TRUE;
}

/* As in diff(1), 1 means different: a failure is 2. */
static gboolean fail(GError *problem, GError **error) {
  if (error_get_exit_code(problem) == EXIT_CODE_FAILED)
    problem->code = REGISTRY_ERROR_INVALID_ARGUMENTS;
  g_propagate_error(error, problem);
  return FALSE;
}

gboolean verb_diff(Session *session, GError **error) {
  GError *problem = NULL;
  g_auto(Side) a = {0};
  g_auto(Side) b = {0};
  if (session_has(session, OPTION_HIDE_SECRETS) && session_has(session, OPTION_JSON))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "--hide-secrets does not go with --json, which has all data");
  if (parse_side(session_get_operand(session, 0), &a, &problem) &&
      parse_side(session_get_operand(session, 1), &b, &problem) &&
      compare_sides(session, &a, &b, &problem))
    return TRUE;
  return fail(problem, error);
}
