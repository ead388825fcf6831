/* SPDX-License-Identifier: MIT */
/* See dovecot-uidlist.h. What Dovecot takes for damage is damage here too: an ID made of
 * a misread line would be wrong for ever. */
#include "mailauth/mailbox/dovecot-uidlist.h"

#include <string.h>

#include "client/base/error.h"
#include "mailauth/base/limits.h"

static gboolean fail(const DovecotUidlist *list, const char *what, GError **error) {
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, DOVECOT_UIDLIST_FILE ", line %u: %s",
                   list->line, what);
}

/* The next line, without its end; NULL: there is none that is complete. */
static char *take_line(DovecotUidlist *list) {
  char *line = list->rest;
  char *end = strchr(line, '\n');
  if (end == NULL)
    return NULL;
  *end = '\0';
  list->rest = end + 1;
  list->line++;
  return line;
}

/* The next word, after spaces; "" at the end. */
static char *take_word(char **at) {
  char *word = *at + strspn(*at, " ");
  char *end = word + strcspn(word, " ");
  *at = *end == '\0' ? end : end + 1;
  *end = '\0';
  return word;
}

/* From 1 up to what IMAP has (RFC 3501, section 9: nz-number). */
static gboolean parse_number(const char *word, guint32 *number) {
  guint64 parsed;
  if (strspn(word, "0123456789") != strlen(word) ||
      !g_ascii_string_to_unsigned(word, 10, 1, G_MAXUINT32, &parsed, NULL))
    return FALSE;
  *number = (guint32)parsed;
  return TRUE;
}

static gboolean take_header_tags(DovecotUidlist *list, char *at) {
  gboolean valid = FALSE;
  for (const char *word = take_word(&at); *word != '\0'; word = take_word(&at))
    if (*word == 'V')
      valid = parse_number(word + 1, &list->validity);
  return valid;
}

gboolean dovecot_uidlist_begin(DovecotUidlist *list, char *text, gsize size, GError **error) {
  *list = (DovecotUidlist){.rest = text, .line = 0};
  char *at = strlen(text) == size ? take_line(list) : NULL;
  if (at == NULL)
    return fail(list, "it is no list of Dovecot's", error);
  const char *version = take_word(&at);
  list->tags = g_str_equal(version, "3");
  if (!list->tags && !g_str_equal(version, "1"))
    return fail(list, "the version is neither 1 nor 3", error);
  gboolean valid =
      list->tags ? take_header_tags(list, at) : parse_number(take_word(&at), &list->validity);
  return valid || fail(list, "there is no UIDVALIDITY", error);
}

/* Words up to the one that begins with a colon: a letter and its value each. */
static gboolean take_tags(char **at, DovecotUid *uid) {
  for (*at += strspn(*at, " "); **at != ':'; *at += strspn(*at, " ")) {
    const char *word = take_word(at);
    if (*word == '\0')
      return FALSE;
    if (*word == 'P')
      uid->pop3_id = word + 1;
    else if (*word == 'G' && word[1] != '\0')
      uid->guid = word + 1;
  }
  (*at)++;
  return TRUE;
}

gboolean dovecot_uidlist_next(DovecotUidlist *list, DovecotUid *uid, GError **error) {
  *uid = (DovecotUid){0};
  char *at = take_line(list);
  if (at == NULL)
    return FALSE;
  if (list->rest - at > MAX_UIDLIST_LINE)
    return fail(list, "it is too long", error);
  if (!parse_number(take_word(&at), &uid->uid) || uid->uid <= list->last_uid)
    return fail(list, "it does not begin with a higher UID than those before it", error);
  list->last_uid = uid->uid;
  if (list->tags && !take_tags(&at, uid))
    return fail(list, "there is no file's name", error);
  at += strspn(at, " ");
  at[strcspn(at, ":")] = '\0';
  uid->name = at;
  return *at != '\0' || fail(list, "there is no file's name", error);
}
