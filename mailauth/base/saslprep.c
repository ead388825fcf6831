/* SPDX-License-Identifier: MIT */
/* saslprep.h: the tables of RFC 3454 that RFC 4013 names. */
#include "mailauth/base/saslprep.h"

#include <string.h>

typedef struct {
  gunichar first, last;
} Range;

/* C.1.2: spaces beyond ASCII. */
static const Range spaces[] = {
    {0x00a0, 0x00a0}, {0x1680, 0x1680}, {0x2000, 0x200b},
    {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
};

/* B.1: commonly mapped to nothing. */
static const Range nothings[] = {
    {0x00ad, 0x00ad}, {0x034f, 0x034f}, {0x1806, 0x1806}, {0x180b, 0x180d},
    {0x200c, 0x200d}, {0x2060, 0x2060}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
};

/* C.2.1 to C.9, as far as a valid string may hold them. */
static const Range prohibited[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f},   {0x0340, 0x0341},   {0x06dd, 0x06dd},
    {0x070f, 0x070f},   {0x180e, 0x180e},   {0x200c, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x2063},   {0x206a, 0x206f},   {0x2ff0, 0x2ffb},   {0xe000, 0xf8ff},
    {0xfdd0, 0xfdef},   {0xfeff, 0xfeff},   {0xfff9, 0xffff},   {0x1d173, 0x1d17a},
    {0xe0001, 0xe0001}, {0xe0020, 0xe007f}, {0xf0000, 0xfffff}, {0x100000, 0x10ffff},
};

static gboolean is_among(const Range *ranges, gsize count, gunichar character) {
  for (gsize i = 0; i < count; i++)
    if (character >= ranges[i].first && character <= ranges[i].last)
      return TRUE;
  return FALSE;
}

static gboolean is_prohibited(gunichar character) {
  /* The last two code points of every plane are none. */
  return (character & 0xfffe) == 0xfffe ||
         is_among(prohibited, G_N_ELEMENTS(prohibited), character);
}

static void map(const char *text, gsize size, Secret *mapped) {
  for (const char *at = text; at < text + size; at += g_utf8_skip[(guint8)*at]) {
    gunichar character = g_utf8_get_char(at);
    if (is_among(spaces, G_N_ELEMENTS(spaces), character))
      secret_append(mapped, " ", 1);
    else if (!is_among(nothings, G_N_ELEMENTS(nothings), character))
      secret_append(mapped, at, (gsize)g_utf8_skip[(guint8)*at]);
  }
}

static gboolean is_allowed(const char *text) {
  for (const char *at = text; *at != '\0'; at += g_utf8_skip[(guint8)*at])
    if (is_prohibited(g_utf8_get_char(at)))
      return FALSE;
  return *text != '\0';
}

gboolean saslprep_try(const char *text, gsize size, Secret *prepared) {
  g_auto(Secret) mapped = {0};
  if (memchr(text, '\0', size) != NULL || !g_utf8_validate(text, (gssize)size, NULL))
    return FALSE;
  map(text, size, &mapped);
  char *normal = mapped.size == 0 ? NULL
                                  : g_utf8_normalize((const char *)mapped.bytes,
                                                     (gssize)mapped.size, G_NORMALIZE_NFKC);
  gboolean usable = normal != NULL && is_allowed(normal);
  if (usable)
    secret_append(prepared, normal, strlen(normal));
  if (normal != NULL)
    explicit_bzero(normal, strlen(normal));
  g_free(normal);
  return usable;
}

void saslprep_append(const char *password, gsize size, Secret *prepared) {
  if (!saslprep_try(password, size, prepared))
    secret_append(prepared, password, size);
}
