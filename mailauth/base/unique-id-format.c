/* SPDX-License-Identifier: MIT */
/* See unique-id-format.h. The format is taken apart once, into pieces that are one
 * character as it is, or one variable with what is done to it. */
#include "mailauth/base/unique-id-format.h"

#include <string.h>

#include "client/base/error.h"
#include "mailauth/base/limits.h"

#define MAX_MODIFIERS 4
#define MAX_WIDTH MAX_UNIQUE_ID
/* Digits of the largest hexadecimal number: with fewer, hex(N) cuts it. */
#define HEX_DIGITS 8

typedef struct {
  char variable; /* its letter; '\0': `literal` */
  char literal;
  char modifiers[MAX_MODIFIERS + 1]; /* letters, in the order in which they are applied */
  guint width;                       /* zeros are put before it up to that */
} Piece;

struct UniqueIdFormat {
  GArray *pieces; /* of Piece */
};

static const struct {
  const char *name;
  char letter;
} variables[] = {{"uid", 'u'}, {"uidvalidity", 'v'}, {"filename", 'f'}, {"guid", 'g'}};

static const struct {
  const char *name;
  char letter;
} filters[] = {{"lower", 'L'}, {"upper", 'U'}, {"hex", 'X'}};

static gboolean is_number(char variable) {
  return variable == 'u' || variable == 'v';
}

/* ---- taking apart ---- */

static gboolean add_modifier(Piece *piece, char letter) {
  gsize length = strlen(piece->modifiers);
  if (length == MAX_MODIFIERS || (letter == 'X' && length > 0))
    return FALSE;
  piece->modifiers[length] = letter;
  return TRUE;
}

/* Digits from *@at on. */
static gboolean take_width(const char **at, Piece *piece) {
  guint width = 0;
  while (g_ascii_isdigit(**at) && width <= MAX_WIDTH)
    width = width * 10 + (guint)(*(*at)++ - '0');
  piece->width = width;
  return width >= 1 && width <= MAX_WIDTH;
}

/* `hex(8)` */
static gboolean take_hex(const char *filter, Piece *piece) {
  const char *at = filter + strlen("hex(");
  return g_str_has_prefix(filter, "hex(") && take_width(&at, piece) && g_str_equal(at, ")") &&
         piece->width >= HEX_DIGITS && add_modifier(piece, 'X');
}

static gboolean take_filter(const char *filter, Piece *piece) {
  for (guint i = 0; i < G_N_ELEMENTS(filters); i++)
    if (g_str_equal(filter, filters[i].name))
      return add_modifier(piece, filters[i].letter);
  return take_hex(filter, piece);
}

static gboolean take_name(const char *name, Piece *piece) {
  for (guint i = 0; i < G_N_ELEMENTS(variables); i++)
    if (g_str_equal(name, variables[i].name))
      piece->variable = variables[i].letter;
  return piece->variable != '\0';
}

/* `{name}` or `{name | filter | filter}`. */
static gboolean take_long(const char **at, Piece *piece) {
  const char *end = strchr(*at, '}');
  if (end == NULL)
    return FALSE;
  g_autofree char *inside = g_strndup(*at + 1, (gsize)(end - *at - 1));
  g_auto(GStrv) words = g_strsplit(inside, "|", MAX_MODIFIERS + 2);
  gboolean taken = words[0] != NULL && take_name(g_strstrip(words[0]), piece);
  for (guint i = 1; taken && words[i] != NULL; i++)
    taken = take_filter(g_strstrip(words[i]), piece);
  *at = end + 1;
  return taken;
}

static gboolean take_letter(const char **at, Piece *piece) {
  if (**at == '\0' || strchr("uvfg", **at) == NULL)
    return FALSE;
  piece->variable = *(*at)++;
  return TRUE;
}

/* What follows a `%`. */
static gboolean take_variable(const char **at, Piece *piece) {
  if (**at == '%') {
    piece->literal = *(*at)++;
    return TRUE;
  }
  if (**at == '0' && !take_width(at, piece))
    return FALSE;
  while (**at != '\0' && strchr("LUXM", **at) != NULL)
    if (!add_modifier(piece, *(*at)++))
      return FALSE;
  return (**at == '{' ? take_long(at, piece) : take_letter(at, piece)) &&
         (piece->modifiers[0] != 'X' || is_number(piece->variable));
}

static gboolean take_piece(const char **at, Piece *piece) {
  *piece = (Piece){0};
  if (**at < '!' || **at > '~')
    return FALSE;
  piece->literal = *(*at)++;
  return piece->literal != '%' || take_variable(at, piece);
}

/* Whether messages can be told apart by it. */
static gboolean is_telling(const UniqueIdFormat *format) {
  for (guint i = 0; i < format->pieces->len; i++) {
    char variable = g_array_index(format->pieces, Piece, i).variable;
    if (variable != '\0' && variable != 'v')
      return TRUE;
  }
  return FALSE;
}

static gboolean take_format(UniqueIdFormat *format, const char *text, GError **error) {
  Piece piece;
  if (strlen(text) > MAX_UNIQUE_ID_FORMAT)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "it is longer than %d characters",
                     MAX_UNIQUE_ID_FORMAT);
  for (const char *at = text; *at != '\0';) {
    const char *start = at;
    if (!take_piece(&at, &piece))
      return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "'%s' is not understood from '%s' on",
                       text, start);
    g_array_append_val(format->pieces, piece);
  }
  return is_telling(format) ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "'%s' has none of %%u, %%f and %%g, and is the same for all messages", text);
}

UniqueIdFormat *unique_id_format_new(const char *text, GError **error) {
  g_autoptr(UniqueIdFormat) format = g_new0(UniqueIdFormat, 1);
  format->pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
  return take_format(format, text, error) ? g_steal_pointer(&format) : NULL;
}

void unique_id_format_free(UniqueIdFormat *format) {
  if (format == NULL)
    return;
  g_array_unref(format->pieces);
  g_free(format);
}

/* ---- putting together ---- */

static char *look_up(char variable, const UniqueIdFacts *facts) {
  if (is_number(variable))
    return g_strdup_printf("%" G_GUINT32_FORMAT, variable == 'u' ? facts->uid : facts->validity);
  return g_strdup(variable == 'g' && facts->guid != NULL ? facts->guid : facts->name);
}

static char *modify(char modifier, const char *value) {
  if (modifier == 'X')
    return g_strdup_printf("%" G_GINT64_MODIFIER "x", g_ascii_strtoull(value, NULL, 10));
  if (modifier == 'M')
    return g_compute_checksum_for_string(G_CHECKSUM_MD5, value, -1);
  return modifier == 'U' ? g_ascii_strup(value, -1) : g_ascii_strdown(value, -1);
}

static void expand_variable(const Piece *piece, const UniqueIdFacts *facts, GString *id) {
  g_autofree char *value = look_up(piece->variable, facts);
  for (const char *modifier = piece->modifiers; *modifier != '\0'; modifier++) {
    char *modified = modify(*modifier, value);
    g_free(value);
    value = modified;
  }
  for (gsize length = strlen(value); length < piece->width; length++)
    g_string_append_c(id, '0');
  g_string_append(id, value);
}

void unique_id_format_expand(const UniqueIdFormat *format, const UniqueIdFacts *facts,
                             GString *id) {
  for (guint i = 0; i < format->pieces->len; i++) {
    const Piece *piece = &g_array_index(format->pieces, Piece, i);
    if (piece->variable != '\0')
      expand_variable(piece, facts, id);
    else
      g_string_append_c(id, piece->literal);
  }
}
