/* SPDX-License-Identifier: MIT */
/* Reading whole branches: ReadTree by pages, Validate, and the walk of an
 * export (see reader.h). */
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "client/base/text.h"
#include "regd/read/walk.h"

/* What a key counts for in a page, beside its values and its path. */
#define KEY_BYTES 32U
/* What a problem counts for in an answer, beside its texts. */
#define PROBLEM_OVERHEAD_BYTES 24U
/* The work of checking a value, in steps of db_begin_work(). */
#define CHECK_STEPS 4U

void read_page_free(ReadPage *page) {
  if (page == NULL)
    return;
  g_clear_pointer(&page->keys, g_ptr_array_unref);
  g_free(page->cursor);
  g_free(page);
}

static void tree_key_free(ReadPageKey *key) {
  g_free(key->path);
  g_clear_pointer(&key->values, g_ptr_array_unref);
  g_free(key);
}

void problem_free(Problem *problem) {
  if (problem == NULL)
    return;
  g_free(problem->key);
  g_free(problem->name);
  g_free(problem->problem);
  g_free(problem);
}

/* ---- pages ---- */

/* A page under way. Where it ends, the cursor says how many of the next key's
 * values were given, and the key: "<values>:<path below the first key>". */
typedef struct {
  ReadPage *page;
  guint32 limit;
  guint32 values;
  gsize bytes;
  const char *base; /* the first key's path */
} Pager;

static char *make_cursor(const Pager *pager, const char *path, guint32 given) {
  gsize base = strlen(pager->base);
  return g_strdup_printf("%u:%s", given, path[base] == '\\' ? path + base + 1 : "");
}

static gboolean is_full(const Pager *pager) {
  return pager->values >= pager->limit || pager->bytes >= LIMIT_TREE_PAGE_BYTES;
}

/* Whether the value fits in what is left; a page takes its first value whatever
 * the size, or it would never get on. */
static gboolean has_room(const Pager *pager, const NamedValue *value) {
  gboolean first = pager->values == 0 && pager->page->keys->len <= 1;
  return first ||
         (!is_full(pager) && pager->bytes + reader_get_size(value) <= LIMIT_TREE_PAGE_BYTES);
}

static ReadPageKey *add_key(Pager *pager, const char *path) {
  ReadPageKey *key = g_new0(ReadPageKey, 1);
  key->path = g_strdup(path);
  key->values = g_ptr_array_new_with_free_func((GDestroyNotify)named_value_free);
  g_ptr_array_add(pager->page->keys, key);
  pager->bytes += strlen(path) + KEY_BYTES;
  return key;
}

static gboolean page_key(Walk *walk, const WalkKey *key, GError **error) {
  Pager *pager = walk->data;
  guint32 skip = walk->skip;
  walk->skip = 0;
  if (is_full(pager)) {
    pager->page->cursor = make_cursor(pager, key->path, 0);
    return FALSE;
  }
  g_autoptr(GPtrArray) values = walk_load_values(walk, key, error);
  if (values == NULL)
    return FALSE;
  ReadPageKey *made = add_key(pager, key->path);
  for (guint i = skip; i < values->len; i++) {
    if (!has_room(pager, g_ptr_array_index(values, i))) {
      pager->page->cursor = make_cursor(pager, key->path, i);
      if (i == 0)
        g_ptr_array_set_size(pager->page->keys, (gint)pager->page->keys->len - 1);
      return FALSE;
    }
    NamedValue *value = g_steal_pointer(&g_ptr_array_index(values, i));
    pager->bytes += reader_get_size(value);
    pager->values++;
    g_ptr_array_add(made->values, value);
  }
  return TRUE;
}

static gboolean bad_cursor(const char *key, const char *cursor, GError **error) {
  g_autofree char *path = text_for_message(key, -1);
  g_autofree char *shown = g_utf8_substring(cursor, 0, MIN(64, g_utf8_strlen(cursor, -1)));
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "%s: the cursor \"%s\" is none that a page of this tree ended with", path,
                   shown);
}

/* Takes the cursor apart: folded components to begin at, and values to skip. */
static gboolean parse_cursor(const char *key, const char *cursor, Walk *walk, GError **error) {
  char *end = NULL;
  guint64 given = g_ascii_isdigit(*cursor) ? g_ascii_strtoull(cursor, &end, 10) : 0;
  if (end == NULL || *end != ':' || given > G_MAXUINT32)
    return bad_cursor(key, cursor, error);
  walk->skip = (guint32)given;
  if (end[1] == '\0')
    return TRUE;
  g_auto(GStrv) names = g_strsplit(end + 1, "\\", -1);
  if (g_strv_length(names) > LIMIT_DEPTH)
    return bad_cursor(key, cursor, error);
  for (guint i = 0; names[i] != NULL; i++) {
    if (!path_check_key_name(names[i], NULL))
      return bad_cursor(key, cursor, error);
    g_autofree char *name = names[i];
    names[i] = path_fold(name);
  }
  walk->resume = g_steal_pointer(&names);
  return TRUE;
}

/* A visitor that has had enough returns FALSE without an error. */
static gboolean run(Walk *walk, const Place *place, GError **error) {
  GError *failure = NULL;
  walk_run(walk, place, &failure);
  if (failure != NULL)
    g_propagate_error(error, failure);
  return failure == NULL;
}

ReadPage *reader_read_tree(Reader *reader, const Identity *who, const char *key,
                           const TreeOptions *options, GError **error) {
  g_autoptr(ReadPage) page = g_new0(ReadPage, 1);
  page->keys = g_ptr_array_new_with_free_func((GDestroyNotify)tree_key_free);
  Pager pager = {.page = page,
                 .limit = options->limit != 0 ? options->limit : LIMIT_TREE_PAGE_VALUES};
  g_autoptr(Snapshot) snapshot = NULL;
  g_auto(Walk) walk = {.reader = reader,
                       .who = who,
                       .skip_unreadable = options->skip_unreadable,
                       .no_follow = options->no_follow,
                       .hide_secrets = options->hide_secrets,
                       .depth = options->has_depth ? options->depth : LIMIT_DEPTH,
                       .visit = page_key,
                       .data = &pager};
  g_autoptr(Place) place =
      walk_begin(&walk, key, options->has_at ? &options->at : NULL, &snapshot, error);
  if (place == NULL)
    return NULL;
  pager.base = place->path;
  gboolean resumes = options->cursor != NULL && *options->cursor != '\0';
  if (!store_load_revision(snapshot, &page->revision, error) ||
      (resumes && !parse_cursor(key, options->cursor, &walk, error)) || !run(&walk, place, error))
    return NULL;
  if (options->has_at)
    page->revision = options->at;
  if (page->cursor == NULL)
    page->cursor = g_strdup("");
  return g_steal_pointer(&page);
}

/* ---- visiting ---- */

typedef struct {
  KeyVisit visit;
  gpointer data;
} Visiting;

static gboolean visit_key(Walk *walk, const WalkKey *key, GError **error) {
  const Visiting *visiting = walk->data;
  g_autoptr(GPtrArray) values = walk_load_values(walk, key, error);
  if (values == NULL)
    return FALSE;
  Acl *own = key->past != NULL ? key->past->own : NULL;
  if (key->past == NULL && !store_load_acl(walk->reader->store, key->row->acl, &own, error))
    return FALSE;
  const VisitedKey visited = {.path = key->path,
                              .class_name = walk_key_get_class(key),
                              .link = walk_key_get_link(key),
                              .is_volatile = walk_key_is_volatile(key),
                              .own = own,
                              .values = values};
  return visiting->visit(&visited, visiting->data, error);
}

/* The path as it was asked for, with the root in the long spelling and each component as it is
 * stored: an export of HKCU then fits another user (regd-reg(5)). */
static char *spell_asked(Store *store, const Identity *who, const char *key, GError **error) {
  g_autoptr(Path) path = path_parse(key, error);
  if (path == NULL)
    return NULL;
  GString *spelled = g_string_new(path_root_get_name(path->root));
  for (guint i = 0; i < path->depth; i++) {
    g_autofree char *prefix = g_strconcat(spelled->str, "\\", path->components[i], NULL);
    g_autoptr(Place) place = resolve(store, who, prefix, RESOLVE_NO_FOLLOW, NULL);
    const char *name = place != NULL && place_exists(place) && place->key->parent != 0
                           ? place->key->name
                           : path->components[i];
    g_string_append_printf(spelled, "\\%s", name);
  }
  return g_string_free(spelled, FALSE);
}

gboolean reader_visit_tree(Reader *reader, const Identity *who, const char *key,
                           const TreeOptions *options, KeyVisit visit, gpointer data,
                           TreeVisited *visited, GError **error) {
  Visiting visiting = {visit, data};
  g_autoptr(Snapshot) snapshot = NULL;
  g_auto(Walk) walk = {.reader = reader,
                       .who = who,
                       .skip_unreadable = options->skip_unreadable,
                       .no_follow = options->no_follow,
                       .depth = options->has_depth ? options->depth : LIMIT_DEPTH,
                       .visit = visit_key,
                       .data = &visiting};
  g_autoptr(Place) place =
      walk_begin(&walk, key, options->has_at ? &options->at : NULL, &snapshot, error);
  if (place == NULL || !store_load_revision(snapshot, &visited->revision, error))
    return FALSE;
  visited->path = g_strdup(place->path);
  visited->asked = spell_asked(snapshot, who, key, error);
  if (visited->asked == NULL || !visited->begin(visited, data, error) || !run(&walk, place, error))
    return FALSE;
  visited->left_out = walk.left_out;
  return TRUE;
}

void tree_visited_clear(TreeVisited *visited) {
  g_clear_pointer(&visited->path, g_free);
  g_clear_pointer(&visited->asked, g_free);
}

/* ---- validate ---- */

typedef struct {
  GPtrArray *problems; /* of Problem */
  gsize bytes;         /* that they take in an answer */
} Validation;

static void add_problem(Validation *validation, const char *key, const char *name,
                        const char *message) {
  Problem *problem = g_new0(Problem, 1);
  problem->key = g_strdup(key);
  problem->name = g_strdup(name);
  problem->problem = g_strdup(message);
  g_ptr_array_add(validation->problems, problem);
  validation->bytes += strlen(key) + strlen(name) + strlen(message) + PROBLEM_OVERHEAD_BYTES;
}

static void add_missing(const SchemaSet *schemas, Validation *validation, const char *path,
                        GPtrArray *values) {
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  for (guint i = 0; i < values->len; i++)
    g_strv_builder_add(builder, ((ValueRow *)g_ptr_array_index(values, i))->name);
  g_auto(GStrv) names = g_strv_builder_end(builder);
  g_auto(GStrv) missing = schema_set_missing(schemas, path, (const char *const *)names);
  for (guint i = 0; missing != NULL && missing[i] != NULL; i++)
    add_problem(validation, path, missing[i], "the value is required, and is not there");
}

static gboolean validate_value(Walk *walk, const WalkKey *key, const ValueRow *value,
                               GError **error) {
  g_autoptr(GError) violation = NULL;
  /* Which rule a secret breaks tells of what it holds. */
  if (walk_may_see(walk, key, value->name) &&
      !schema_set_check(walk->reader->schemas, key->path, value->name, value->value, &violation))
    add_problem(walk->data, key->path, value->name, violation->message);
  return db_spend(store_get_db(walk->reader->store), CHECK_STEPS, error);
}

static gboolean check_room(const Validation *validation, const char *path, GError **error) {
  return validation->bytes <= LIMIT_LIST_BYTES ||
         error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                   "%s: up to here there are %u problems, too many for one answer; validate its "
                   "sub-keys one by one",
                   path, validation->problems->len);
}

static gboolean validate_key(Walk *walk, const WalkKey *key, GError **error) {
  Validation *validation = walk->data;
  const SchemaSet *schemas = walk->reader->schemas;
  if (key->row->link != NULL || schemas == NULL)
    return TRUE;
  g_autoptr(GPtrArray) values = store_list_values(walk->reader->store, key->row->id, error);
  if (values == NULL)
    return FALSE;
  for (guint i = 0; i < values->len; i++)
    if (!validate_value(walk, key, g_ptr_array_index(values, i), error))
      return FALSE;
  add_missing(schemas, validation, key->path, values);
  return check_room(validation, key->path, error);
}

GPtrArray *reader_validate(Reader *reader, const Identity *who, const char *key, GError **error) {
  g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func((GDestroyNotify)problem_free);
  Validation validation = {.problems = problems};
  g_autoptr(Snapshot) snapshot = NULL;
  g_auto(Walk) walk = {.reader = reader,
                       .who = who,
                       .depth = LIMIT_DEPTH,
                       .visit = validate_key,
                       .data = &validation};
  g_autoptr(Place) place = walk_begin(&walk, key, NULL, &snapshot, error);
  if (place == NULL || !walk_run(&walk, place, error))
    return NULL;
  return g_steal_pointer(&problems);
}
