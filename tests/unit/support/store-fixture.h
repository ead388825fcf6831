/* SPDX-License-Identifier: MIT */
/* A database of the test's own, and changes applied to it without a writer's thread. */
#ifndef TESTS_UNIT_SUPPORT_STORE_FIXTURE_H
#define TESTS_UNIT_SUPPORT_STORE_FIXTURE_H

#include "regd/write/apply.h"

typedef struct {
  char *directory;
  Store *store;
  Identity *root;
  PlaceCache *places;
  RetentionCounts *counts;
  LiveSettings settings;
  guint64 revision; /* the newest */
  gint64 now;       /* of the next change; microseconds since 1970 */
} StoreFixture;

/* An open write transaction on a database that holds its two roots only. */
void store_fixture_set_up(StoreFixture *fixture, gconstpointer data);
void store_fixture_tear_down(StoreFixture *fixture, gconstpointer data);

/* One operation; unused strings are NULL. */
typedef struct {
  OperationKind kind;
  const char *key;
  const char *name;
  const char *text;       /* a REG_SZ */
  const char *class_name; /* of a key */
  const char *target;     /* of a link */
} OperationRow;

/* Applies operations, up to one whose key is NULL, as one change, which must succeed.
 * Moves `revision` on. Returns what it changed: "kind key name" a line, "" for nothing. */
char *store_fixture_apply(StoreFixture *fixture, const OperationRow *rows);
/* The same with one value that is set. */
void store_fixture_set(StoreFixture *fixture, const char *key, const char *name, const char *text);

#endif
