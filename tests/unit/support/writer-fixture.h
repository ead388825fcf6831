/* SPDX-License-Identifier: MIT */
/* A writer and a reader on a database of the test's own, and changes for them. */
#ifndef TESTS_UNIT_SUPPORT_WRITER_FIXTURE_H
#define TESTS_UNIT_SUPPORT_WRITER_FIXTURE_H

#include "client/base/change.h"
#include "client/base/error.h"
#include "regd/read/reader.h"
#include "regd/write/writer.h"

typedef struct {
  char *directory;
  char *file;
  Writer *writer;
  Reader *reader;
  Identity *root;
  Identity *alice;
} WriterFixture;

void writer_fixture_set_up(WriterFixture *fixture, gconstpointer data);
void writer_fixture_tear_down(WriterFixture *fixture, gconstpointer data);
/* Ends writer and reader; the database stays, for the next start. */
void writer_fixture_stop(WriterFixture *fixture);
void writer_fixture_start(WriterFixture *fixture);

/* What came of a change. */
typedef struct {
  gboolean done;
  guint64 revision;
  int code; /* -1: it succeeded */
  char *message;
  char *told; /* "kind key name" a line */
} Written;
void written_clear(Written *written);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Written, written_clear)
/* Takes @change, and waits for it. */
Written writer_fixture_write(WriterFixture *fixture, Identity *who, Change *change);

/* Changes of one operation. @operation: it, borrowed, or NULL. */
Change *change_of_one(OperationKind kind, const char *key, Operation **operation);
Change *change_set(const char *key, const char *name, const char *text);
Change *change_link(const char *key, const char *target);
Change *change_list(const char *key, const char *principal, const char *level);

/* The value's text, or text_of_error(). */
char *writer_fixture_get(WriterFixture *fixture, Identity *who, const char *key, const char *name);
char *text_of_error(RegistryError code);
/* "kind key name" a line. */
char *text_of_effective(const Effective *effective);
/* KEY as "path:name" a line, page by page. @at: a revision, or NULL; @pages: how many. */
char *writer_fixture_read_at(WriterFixture *fixture, const guint64 *at, guint32 limit,
                             guint *pages);
char *writer_fixture_read_all(WriterFixture *fixture, guint32 limit, guint *pages);

#define ASSERT_VALUE(fixture, who, key, name, expected)                                            \
  do {                                                                                             \
    g_autofree char *got = writer_fixture_get(fixture, who, key, name);                            \
    g_assert_cmpstr(got, ==, expected);                                                            \
  } while (0)

#define ASSERT_REFUSED(fixture, who, change, expected)                                             \
  do {                                                                                             \
    g_auto(Written) refused = writer_fixture_write(fixture, who, change);                          \
    g_assert_cmpint(refused.code, ==, expected);                                                   \
  } while (0)

#define ASSERT_DONE(fixture, who, change) ASSERT_REFUSED(fixture, who, change, -1)

#define KEY "HKLM\\SOFTWARE\\Acme"
#define LONG_KEY "HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme"

#endif
