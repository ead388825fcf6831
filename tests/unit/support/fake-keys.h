/* SPDX-License-Identifier: MIT */
/* What a registry that does as it is told keeps: keys with values of text, sorted by path.
 * They are few, so everything is found by walking the list. */
#ifndef TESTS_UNIT_SUPPORT_FAKE_KEYS_H
#define TESTS_UNIT_SUPPORT_FAKE_KEYS_H

#include <glib.h>

typedef struct {
  char *name, *text;
} FakeValue;

typedef struct {
  char *path;
  GPtrArray *values; /* of FakeValue */
} FakeKey;

/* An array of FakeKey, which it owns. */
GPtrArray *fake_keys_new(void);
/* Borrowed; NULL: there is no such key. */
FakeKey *fake_keys_find(const GPtrArray *keys, const char *path);
/* Makes the key if it is missing. */
FakeKey *fake_keys_ensure(GPtrArray *keys, const char *path);
/* Sets a value, and makes its key if that is missing. */
void fake_keys_put(GPtrArray *keys, const char *path, const char *name, const char *text);

#endif
