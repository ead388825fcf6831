/* Reading whole branches: ReadTree by pages, and Validate (see read.h). A walk
 * is depth first, sub-keys in the order of their folded names; it never goes
 * through a link. */
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"
#include "regd/reader.h"
#include "regd/resolve.h"

/* What a key counts for in a page, beside its values and its path. */
#define KEY_BYTES 32U

void tree_page_free(TreePage *page) {
  if (page == NULL)
    return;
  g_clear_pointer(&page->keys, g_ptr_array_unref);
  g_free(page->cursor);
  g_free(page);
}

static void tree_key_free(TreeKey *key) {
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

/* ---- the walk ---- */

typedef struct TreeWalk TreeWalk;

/* What is done with each key. FALSE with *@error unset stops the walk. */
typedef gboolean (*VisitKey)(TreeWalk *walk, const KeyRow *row, const Acl *acl, const char *path,
                             GError **error);

struct TreeWalk {
  Reader *reader;
  const Identity *who;
  gboolean skip_unreadable;
  guint32 depth; /* levels below the first key */
  VisitKey visit;
  gpointer data;
  char **resume; /* folded components below the first key to begin at, or NULL */
  guint32 skip;  /* values of the key to begin at that were given already */
};

static Acl *get_acl(TreeWalk *walk, gint64 id, gboolean *failed, GError **error) {
  GError *failure = NULL;
  Acl *acl = store_get_acl(walk->reader->store, id, &failure);
  *failed = failure != NULL;
  if (failure != NULL)
    g_propagate_error(error, failure);
  return acl;
}

static gboolean visit_key(TreeWalk *walk, const KeyRow *row, gint64 acl_id, const char *path,
                          GError **error) {
  gboolean failed = FALSE;
  Acl *acl = get_acl(walk, acl_id, &failed, error);
  if (failed)
    return FALSE;
  if (acl_get_level(acl, walk->who) >= ACCESS_READ)
    return walk->visit(walk, row, acl, path, error);
  return walk->skip_unreadable || access_refuse(path, ACCESS_READ, error);
}

/* The key to begin at is gone: everything from here on is new. */
static void begin_here(TreeWalk *walk) {
  if (walk->resume == NULL)
    return;
  g_clear_pointer(&walk->resume, g_strfreev);
  walk->skip = 0;
}

static gboolean walk_branch(TreeWalk *walk, const KeyRow *row, gint64 acl, const char *path,
                            guint level, GError **error);

static gboolean walk_children(TreeWalk *walk, const KeyRow *row, gint64 acl, const char *path,
                              guint level, GError **error) {
  const char *from = walk->resume != NULL ? walk->resume[level] : NULL;
  g_autoptr(GPtrArray) children = store_list_children(walk->reader->store, row->id, from, error);
  if (children == NULL)
    return FALSE;
  for (guint i = 0; i < children->len; i++) {
    const KeyRow *child = g_ptr_array_index(children, i);
    g_autofree char *fold = walk->resume != NULL ? path_fold(child->name) : NULL;
    /* The key to begin at may be gone meanwhile: then at what comes after it. */
    if (fold != NULL && !g_str_equal(fold, from))
      begin_here(walk);
    g_autofree char *below = g_strconcat(path, "\\", child->name, NULL);
    if (!walk_branch(walk, child, child->acl != 0 ? child->acl : acl, below, level + 1, error))
      return FALSE;
  }
  /* Nothing here at or behind the key to begin at: what follows is new. */
  if (walk->resume != NULL)
    begin_here(walk);
  return TRUE;
}

static gboolean walk_branch(TreeWalk *walk, const KeyRow *row, gint64 acl, const char *path,
                            guint level, GError **error) {
  gboolean on_the_way = walk->resume != NULL && walk->resume[level] != NULL;
  if (!on_the_way) {
    g_clear_pointer(&walk->resume, g_strfreev);
    if (!visit_key(walk, row, acl, path, error))
      return FALSE;
  }
  if (level >= walk->depth || row->link != NULL) {
    begin_here(walk);
    return TRUE;
  }
  return walk_children(walk, row, acl, path, level, error);
}

static Place *begin_walk(Reader *reader, const Identity *who, const char *key,
                         gboolean skip_unreadable, Snapshot **snapshot, GError **error) {
  *snapshot = reader_begin(reader, error);
  g_autoptr(Place) place =
      *snapshot != NULL ? resolve(*snapshot, who, key, RESOLVE_FOLLOW, error) : NULL;
  if (place == NULL)
    return NULL;
  gboolean needs_read = !place_exists(place) || !skip_unreadable;
  if (needs_read && !place_require_key(place, who, ACCESS_READ, error))
    return NULL;
  return g_steal_pointer(&place);
}

/* ---- pages ---- */

/* Where a page ended: how many of the key's values were given, and the key. As
 * text "<values>:<path below the first key>". */
typedef struct {
  TreePage *page;
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

static TreeKey *add_key(Pager *pager, const char *path) {
  TreeKey *key = g_new0(TreeKey, 1);
  key->path = g_strdup(path);
  key->values = g_ptr_array_new_with_free_func((GDestroyNotify)named_value_free);
  g_ptr_array_add(pager->page->keys, key);
  pager->bytes += strlen(path) + KEY_BYTES;
  return key;
}

static gboolean page_key(TreeWalk *walk, const KeyRow *row, const Acl *acl, const char *path,
                         GError **error) {
  Pager *pager = walk->data;
  guint32 skip = walk->skip;
  walk->skip = 0;
  if (is_full(pager)) {
    pager->page->cursor = make_cursor(pager, path, 0);
    return FALSE;
  }
  g_autoptr(GPtrArray) values = reader_load_values(walk->reader, walk->who, row, acl, path, error);
  if (values == NULL)
    return FALSE;
  TreeKey *key = add_key(pager, path);
  for (guint i = skip; i < values->len; i++) {
    if (is_full(pager)) {
      pager->page->cursor = make_cursor(pager, path, i);
      return FALSE;
    }
    NamedValue *value = g_steal_pointer(&g_ptr_array_index(values, i));
    pager->bytes += reader_get_size(value);
    pager->values++;
    g_ptr_array_add(key->values, value);
  }
  return TRUE;
}

static gboolean bad_cursor(const char *cursor, GError **error) {
  g_autofree char *shown = g_strndup(cursor, 64);
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "the cursor \"%s\" is none that a page of this tree ended with", shown);
}

/* Takes the cursor apart: folded components to begin at, and values to skip. */
static gboolean parse_cursor(const char *cursor, TreeWalk *walk, GError **error) {
  char *end = NULL;
  guint64 given = g_ascii_isdigit(*cursor) ? g_ascii_strtoull(cursor, &end, 10) : 0;
  if (end == NULL || *end != ':' || given > G_MAXUINT32)
    return bad_cursor(cursor, error);
  walk->skip = (guint32)given;
  if (end[1] == '\0')
    return TRUE;
  g_auto(GStrv) names = g_strsplit(end + 1, "\\", -1);
  if (g_strv_length(names) > LIMIT_DEPTH)
    return bad_cursor(cursor, error);
  for (guint i = 0; names[i] != NULL; i++) {
    if (!path_check_key_name(names[i], NULL))
      return bad_cursor(cursor, error);
    g_autofree char *name = names[i];
    names[i] = path_fold(name);
  }
  walk->resume = g_steal_pointer(&names);
  return TRUE;
}

TreePage *reader_read_tree(Reader *reader, const Identity *who, const char *key,
                           const TreeOptions *options, GError **error) {
  g_autoptr(Snapshot) snapshot = NULL;
  g_autoptr(Place) place = begin_walk(reader, who, key, options->skip_unreadable, &snapshot, error);
  if (place == NULL)
    return NULL;
  g_autoptr(TreePage) page = g_new0(TreePage, 1);
  page->keys = g_ptr_array_new_with_free_func((GDestroyNotify)tree_key_free);
  Pager pager = {.page = page,
                 .base = place->path,
                 .limit = options->limit != 0 ? options->limit : LIMIT_TREE_PAGE_VALUES};
  TreeWalk walk = {.reader = reader,
                   .who = who,
                   .skip_unreadable = options->skip_unreadable,
                   .depth = options->has_depth ? options->depth : LIMIT_DEPTH,
                   .visit = page_key,
                   .data = &pager};
  gboolean resumes = options->cursor != NULL && *options->cursor != '\0';
  GError *failure = NULL;
  if (!store_load_revision(snapshot, &page->revision, error) ||
      (resumes && !parse_cursor(options->cursor, &walk, error)))
    return NULL;
  walk_branch(&walk, place->key, place->acl_id, place->path, 0, &failure);
  g_strfreev(walk.resume);
  if (failure != NULL) {
    g_propagate_error(error, failure);
    return NULL;
  }
  if (page->cursor == NULL)
    page->cursor = g_strdup("");
  return g_steal_pointer(&page);
}

/* ---- validate ---- */

static void add_problem(GPtrArray *problems, const char *key, const char *name,
                        const char *message) {
  Problem *problem = g_new0(Problem, 1);
  problem->key = g_strdup(key);
  problem->name = g_strdup(name);
  problem->problem = g_strdup(message);
  g_ptr_array_add(problems, problem);
}

static void add_missing(const SchemaSet *schemas, GPtrArray *problems, const char *path,
                        GPtrArray *values) {
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  for (guint i = 0; i < values->len; i++)
    g_strv_builder_add(builder, ((ValueRow *)g_ptr_array_index(values, i))->name);
  g_auto(GStrv) names = g_strv_builder_end(builder);
  g_auto(GStrv) missing = schema_set_missing(schemas, path, (const char *const *)names);
  for (guint i = 0; missing != NULL && missing[i] != NULL; i++)
    add_problem(problems, path, missing[i], "the value is required, and is not there");
}

static gboolean validate_key(TreeWalk *walk, const KeyRow *row, const Acl *acl, const char *path,
                             GError **error) {
  (void)acl;
  GPtrArray *problems = walk->data;
  const SchemaSet *schemas = walk->reader->schemas;
  if (row->link != NULL || schemas == NULL)
    return TRUE;
  g_autoptr(GPtrArray) values = store_list_values(walk->reader->store, row->id, error);
  if (values == NULL)
    return FALSE;
  for (guint i = 0; i < values->len; i++) {
    const ValueRow *value = g_ptr_array_index(values, i);
    g_autoptr(GError) violation = NULL;
    if (!schema_set_check(schemas, path, value->name, value->value, &violation))
      add_problem(problems, path, value->name, violation->message);
  }
  add_missing(schemas, problems, path, values);
  return TRUE;
}

GPtrArray *reader_validate(Reader *reader, const Identity *who, const char *key, GError **error) {
  g_autoptr(Snapshot) snapshot = NULL;
  g_autoptr(Place) place = begin_walk(reader, who, key, FALSE, &snapshot, error);
  if (place == NULL)
    return NULL;
  g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func((GDestroyNotify)problem_free);
  TreeWalk walk = {
      .reader = reader, .who = who, .depth = LIMIT_DEPTH, .visit = validate_key, .data = problems};
  if (!walk_branch(&walk, place->key, place->acl_id, place->path, 0, error))
    return NULL;
  return g_steal_pointer(&problems);
}
