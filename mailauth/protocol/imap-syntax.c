/* SPDX-License-Identifier: MIT */
/* imap-syntax.h: one small function for each rule of the grammar. */
#include "mailauth/protocol/imap-syntax.h"

#include <string.h>

#include "mailauth/base/limits.h"

/* RFC 2971, section 3.3. */
#define MAX_ID_PAIRS 30

static gboolean is_atom_character(char character) {
  return !g_ascii_iscntrl(character) && strchr("(){ %*\"\\", character) == NULL;
}

/* In the arguments of LOGIN. */
static gboolean is_name_character(char character) {
  return !g_ascii_iscntrl(character) && strchr("(){ \"", character) == NULL;
}

gboolean imap_find_literal(const char *line, gsize size, ImapLiteral *literal) {
  if (size < 3 || line[size - 1] != '}')
    return FALSE;
  const char *last = line + size - 2;
  literal->synchronising = *last != '+';
  if (*last == '+')
    last--;
  const char *first = last;
  while (first > line && g_ascii_isdigit(*first))
    first--;
  if (first == last || *first != '{')
    return FALSE;
  literal->size = last - first > 18 ? G_MAXUINT64 : g_ascii_strtoull(first + 1, NULL, 10);
  return TRUE;
}

gboolean imap_take_character(ImapCursor *cursor, char character) {
  if (cursor->at >= cursor->end || *cursor->at != character)
    return FALSE;
  cursor->at++;
  return TRUE;
}

gboolean imap_take_spaces(ImapCursor *cursor) {
  const char *start = cursor->at;
  while (imap_take_character(cursor, ' '))
    ;
  return cursor->at > start;
}

gboolean imap_take_end(ImapCursor *cursor) {
  (void)imap_take_spaces(cursor); /* several clients leave some behind a command */
  return imap_take_character(cursor, '\n') && cursor->at == cursor->end;
}

gboolean imap_take_atom(ImapCursor *cursor, char **atom) {
  const char *start = cursor->at;
  while (cursor->at < cursor->end && is_atom_character(*cursor->at))
    cursor->at++;
  if (cursor->at == start)
    return FALSE;
  *atom = g_strndup(start, (gsize)(cursor->at - start));
  return TRUE;
}

static gboolean is_plain_tag(const char *tag) {
  for (; *tag != '\0'; tag++)
    if ((guchar)*tag >= 0x80 || *tag == '+')
      return FALSE;
  return TRUE;
}

gboolean imap_take_tag(ImapCursor *cursor, char **tag) {
  g_autofree char *taken = NULL;
  if (!imap_take_atom(cursor, &taken) || strlen(taken) > MAX_IMAP_TAG || !is_plain_tag(taken))
    return FALSE;
  *tag = g_steal_pointer(&taken);
  return TRUE;
}

static gboolean take_quoted(ImapCursor *cursor, Secret *string) {
  while (cursor->at < cursor->end) {
    char character = *cursor->at++;
    if (character == '"')
      return TRUE;
    if (character == '\n' || character == '\r' || character == '\0')
      return FALSE;
    if (character == '\\') {
      if (cursor->at >= cursor->end || (*cursor->at != '"' && *cursor->at != '\\'))
        return FALSE;
      character = *cursor->at++;
    }
    secret_append(string, &character, 1);
  }
  return FALSE;
}

/* After the "{". */
static gboolean take_literal(ImapCursor *cursor, Secret *string) {
  const char *line_end = memchr(cursor->at, '\n', (gsize)(cursor->end - cursor->at));
  ImapLiteral literal;
  if (line_end == NULL ||
      !imap_find_literal(cursor->at - 1, (gsize)(line_end - cursor->at) + 1, &literal))
    return FALSE;
  if (!g_ascii_isdigit(*cursor->at) || literal.size > (guint64)(cursor->end - line_end - 1) ||
      memchr(cursor->at, '{', (gsize)(line_end - cursor->at)) != NULL)
    return FALSE;
  cursor->at = line_end + 1 + literal.size;
  if (literal.size > 0 && memchr(line_end + 1, '\0', literal.size) != NULL)
    return FALSE;
  secret_append(string, line_end + 1, literal.size);
  return TRUE;
}

static gboolean take_name(ImapCursor *cursor, Secret *string) {
  const char *start = cursor->at;
  while (cursor->at < cursor->end && is_name_character(*cursor->at))
    cursor->at++;
  secret_append(string, start, (gsize)(cursor->at - start));
  return cursor->at > start;
}

gboolean imap_take_astring(ImapCursor *cursor, Secret *string) {
  if (imap_take_character(cursor, '"'))
    return take_quoted(cursor, string);
  if (imap_take_character(cursor, '{'))
    return take_literal(cursor, string);
  return take_name(cursor, string);
}

void imap_origin_clear(ImapOrigin *origin) {
  g_clear_pointer(&origin->address, g_free);
  g_clear_pointer(&origin->port, g_free);
}

static void take_pair(ImapOrigin *origin, const Secret *name, const Secret *value) {
  char **place =
      g_ascii_strcasecmp(secret_get_text(name), "x-originating-ip") == 0     ? &origin->address
      : g_ascii_strcasecmp(secret_get_text(name), "x-originating-port") == 0 ? &origin->port
                                                                             : NULL;
  if (place == NULL)
    return;
  g_free(*place);
  *place = g_strdup(secret_get_text(value));
}

gboolean imap_take_id_parameters(ImapCursor *cursor, ImapOrigin *origin) {
  if (cursor->end - cursor->at >= 3 && g_ascii_strncasecmp(cursor->at, "NIL", 3) == 0) {
    cursor->at += 3;
    return TRUE;
  }
  if (!imap_take_character(cursor, '('))
    return FALSE;
  for (guint i = 0; i < MAX_ID_PAIRS; i++) {
    g_auto(Secret) name = {0};
    g_auto(Secret) value = {0};
    if (imap_take_character(cursor, ')'))
      return TRUE;
    if ((i > 0 && !imap_take_spaces(cursor)) || !imap_take_astring(cursor, &name) ||
        !imap_take_spaces(cursor) || !imap_take_astring(cursor, &value))
      return FALSE;
    take_pair(origin, &name, &value);
  }
  return imap_take_character(cursor, ')');
}
