/* SPDX-License-Identifier: MIT */
/* See lines.h. A line is there while somebody waits in it; it has the one timer that its
 * first needs. */
#include "mailauth/guesses/lines.h"

/* No account's name is empty. */
#define LINE_FOR_ALL "\n" /* no account's: those are shown as one line */

typedef struct {
  Lines *lines;
  char *key;     /* the account, or LINE_FOR_ALL */
  GQueue places; /* of LinePlace */
  guint timer;
} Line;

struct LinePlace {
  Line *line; /* NULL while it is being asked */
  Lines *lines;
  guint64 serial; /* in the order in which they came */
  char *account;
  gpointer waiter;
};

struct Lines {
  LineAsk ask;
  gpointer data;
  GHashTable *lines;  /* key -> Line */
  GHashTable *counts; /* account -> how many wait in all */
  guint count;
  guint64 last_serial;
  const LinePlace *asked; /* NULL: nobody is being asked */
};

static const char *get_key(const char *account, gboolean for_all) {
  return for_all ? LINE_FOR_ALL : account;
}

static void place_free(gpointer data) {
  LinePlace *place = data;
  g_free(place->account);
  g_free(place);
}

static void line_free(gpointer data) {
  Line *line = data;
  g_clear_handle_id(&line->timer, g_source_remove);
  g_queue_clear_full(&line->places, place_free);
  g_free(line->key);
  g_free(line);
}

Lines *lines_new(LineAsk ask, gpointer data) {
  Lines *lines = g_new0(Lines, 1);
  lines->ask = ask;
  lines->data = data;
  lines->lines = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, line_free);
  lines->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return lines;
}

void lines_free(Lines *lines) {
  if (lines == NULL)
    return;
  g_hash_table_unref(lines->lines);
  g_hash_table_unref(lines->counts);
  g_free(lines);
}

/* ---- how many wait ---- */

static guint get_count(const Lines *lines, const char *account) {
  return GPOINTER_TO_UINT(g_hash_table_lookup(lines->counts, account));
}

static void count(Lines *lines, const char *account, gint change) {
  guint waiting = (guint)((gint)get_count(lines, account) + change);
  lines->count = (guint)((gint)lines->count + change);
  if (waiting == 0)
    g_hash_table_remove(lines->counts, account);
  else
    g_hash_table_replace(lines->counts, g_strdup(account), GUINT_TO_POINTER(waiting));
}

/* ---- lines ---- */

static gboolean on_timer(gpointer data);

static void set_timer(Line *line, guint32 wait) {
  g_clear_handle_id(&line->timer, g_source_remove);
  line->timer = g_timeout_add(MAX(wait, 1), on_timer, line);
}

static Line *get_line(Lines *lines, const char *key) {
  Line *line = g_hash_table_lookup(lines->lines, key);
  if (line != NULL)
    return line;
  line = g_new0(Line, 1);
  line->lines = lines;
  line->key = g_strdup(key);
  g_queue_init(&line->places);
  g_hash_table_insert(lines->lines, line->key, line);
  return line;
}

static void drop_empty(Line *line) {
  if (line->places.length == 0)
    g_hash_table_remove(line->lines->lines, line->key);
}

/* Most come last. */
static void insert(Line *line, LinePlace *place, guint32 wait) {
  GList *before = line->places.tail;
  place->line = line;
  while (before != NULL && ((const LinePlace *)before->data)->serial > place->serial)
    before = before->prev;
  if (before == NULL)
    g_queue_push_head(&line->places, place);
  else
    g_queue_insert_after(&line->places, before, place);
  if (line->places.head->data == place)
    set_timer(line, wait);
}

LinePlace *lines_join(Lines *lines, const LineRequest *request, gpointer waiter) {
  if (lines->count >= MAX_WAITING || get_count(lines, request->account) >= MAX_WAITING_PER_ACCOUNT)
    return NULL;
  LinePlace *place = g_new0(LinePlace, 1);
  place->lines = lines;
  place->serial = lines->asked != NULL && lines->asked->waiter == waiter ? lines->asked->serial
                                                                         : ++lines->last_serial;
  place->account = g_strdup(request->account);
  place->waiter = waiter;
  count(lines, place->account, 1);
  insert(get_line(lines, get_key(request->account, request->for_all)), place, request->wait);
  return place;
}

/* The next one asks at once: what the first waited for may not concern it. */
static void remove_place(Line *line, LinePlace *place) {
  gboolean was_first = line->places.head->data == place;
  g_queue_remove(&line->places, place);
  place->line = NULL;
  if (was_first)
    set_timer(line, 0);
  drop_empty(line);
}

void lines_leave(LinePlace *place) {
  if (place == NULL)
    return;
  count(place->lines, place->account, -1);
  remove_place(place->line, place);
  place_free(place);
}

gboolean lines_is_waiting(const Lines *lines, const char *account, gboolean for_all) {
  return g_hash_table_contains(lines->lines, get_key(account, for_all));
}

/* ---- asking ---- */

/* TRUE if the first has left the line. */
static gboolean ask_first(Lines *lines, Line *line) {
  g_autofree char *key = g_strdup(line->key);
  LinePlace *place = line->places.head->data;
  const LinePlace *asked_before = lines->asked;
  count(lines, place->account, -1);
  remove_place(line, place);
  lines->asked = place;
  guint32 wait = lines->ask(place->waiter, g_str_equal(key, LINE_FOR_ALL), lines->data);
  lines->asked = asked_before;
  if (wait == 0) {
    place_free(place);
    return TRUE;
  }
  count(lines, place->account, 1);
  insert(get_line(lines, key), place, wait);
  return FALSE;
}

static void serve(Lines *lines, const char *key) {
  Line *line = g_hash_table_lookup(lines->lines, key);
  while (line != NULL && ask_first(lines, line))
    line = g_hash_table_lookup(lines->lines, key);
}

static gboolean on_timer(gpointer data) {
  Line *line = data;
  g_autofree char *key = g_strdup(line->key);
  line->timer = 0;
  serve(line->lines, key);
  return G_SOURCE_REMOVE;
}

void lines_serve(Lines *lines, const char *account) {
  serve(lines, account);
  serve(lines, LINE_FOR_ALL);
}

void lines_serve_all(Lines *lines) {
  GHashTableIter iterator;
  gpointer key = NULL;
  g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
  g_hash_table_iter_init(&iterator, lines->lines);
  while (g_hash_table_iter_next(&iterator, &key, NULL))
    g_ptr_array_add(keys, g_strdup(key));
  for (guint i = 0; i < keys->len; i++)
    serve(lines, keys->pdata[i]);
}
