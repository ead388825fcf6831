/* SPDX-License-Identifier: MIT */
/* Reading what has changed, and showing it when it fits together.
 *
 * What is shown never goes back in time and is never a mix of two revisions:
 *
 *  - One read is under way at a time, and its result is staged. A change that is
 *    signalled meanwhile stays unread unless the reply's revision covers it.
 *  - The staged result is shown when every change up to its newest revision has been
 *    read. Every signal up to that revision must have come by then. The daemon may
 *    answer a read before it has sent the signal of the last commit, so unless the
 *    signals prove it, one more round trip (the barrier) does: the property Revision
 *    says up to which revision signals have been sent.
 *  - A small sub-tree is always read whole, in one reply, which is of one revision and
 *    needs no barrier.
 *  - If a busy writer leaves no moment at which everything fits together, the result is
 *    shown after MAX_ROUNDS reads, and reading goes on.
 */
#include "client/view/catch-up.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "client/view/sync.h"
#include "client/view/tree-page.h"

/* Keys and values of a sub-tree that is read whole whatever changed in it. */
#define SMALL_SIZE 256
#define MAX_ROUNDS 8
/* Round trips for the daemon to have sent what it has committed. */
#define MAX_BARRIERS 8
/* Keys read at once: six views stay below the bus's 128 calls a connection. */
#define MAX_CALLS 8

typedef struct {
  RegistryView *view;
  ConnectionCall *call; /* while it is under way */
  char *path;           /* canonical */
  guint flags;          /* of ChangedFlags: why it is read */
  Tree *tree;           /* what was found there; NULL: nothing */
} KeyRead;

static void fail(RegistryView *view, const GError *error);
static void on_page(DBusMessage *reply, const GError *error, gpointer data);
static void send_next_keys(RegistryView *view);

static void key_read_free(gpointer data) {
  KeyRead *read = data;
  connection_call_cancel(read->call);
  tree_free(read->tree);
  g_free(read->path);
  g_free(read);
}

/* Whether the read replaces everything below the key. */
static gboolean reads_below(const KeyRead *read) {
  return (read->flags & CHANGED_BELOW) != 0;
}

/* ---- what is staged ---- */

static void staged_clear(Staged *staged) {
  g_clear_pointer(&staged->everything, tree_free);
  g_clear_pointer(&staged->top, g_free);
  g_clear_pointer(&staged->keys, g_ptr_array_unref);
  *staged = (Staged){.rounds = staged->rounds};
}

static void stage_key(Staged *staged, KeyRead *read) {
  if (staged->keys == NULL)
    staged->keys = g_ptr_array_new_with_free_func(key_read_free);
  g_ptr_array_add(staged->keys, read);
}

/* ---- what is under way ---- */

static void catch_up_end(CatchUp *reading) {
  connection_call_cancel(reading->page);
  g_clear_pointer(&reading->tree, tree_free);
  g_clear_pointer(&reading->top, g_free);
  g_clear_pointer(&reading->waiting, g_ptr_array_unref);
  g_clear_pointer(&reading->in_flight, g_ptr_array_unref);
  *reading = (CatchUp){0};
}

void catch_up_cancel(RegistryView *view) {
  catch_up_end(&view->catch_up);
  staged_clear(&view->staged);
  view->staged.rounds = 0;
  g_clear_pointer(&view->barrier, connection_call_cancel);
  view->forced = FALSE;
  changed_keys_reset(&view->changed_keys, view->changed_keys.signalled);
}

static void catch_up_begin(RegistryView *view, gboolean everything) {
  view->catch_up = (CatchUp){
      .active = TRUE,
      .everything = everything,
      .forced = everything && view->forced,
      .signalled = view->changed_keys.signalled,
      .oldest = G_MAXUINT64,
      .waiting = g_ptr_array_new_with_free_func(key_read_free),
      .in_flight = g_ptr_array_new_with_free_func(key_read_free),
  };
  if (everything)
    view->forced = FALSE;
  view->staged.rounds++;
  view->barriers = 0;
}

/* ---- reading everything, page by page ---- */

static void send_page(RegistryView *view, const char *cursor) {
  g_autoptr(WireMessage) call = treepage_new_call(view->connection, view->key, TRUE, cursor);
  view->catch_up.page =
      connection_call_async(view->connection, call, CALL_TIMEOUT_MS, on_page, view);
}

static void begin_everything(RegistryView *view) {
  staged_clear(&view->staged);
  catch_up_begin(view, TRUE);
  view->catch_up.tree = tree_new();
  send_page(view, "");
}

/* Any page was read after the signals that had come when the first was asked for. */
static void finish_everything(RegistryView *view) {
  CatchUp *reading = &view->catch_up;
  Staged *staged = &view->staged;
  staged->everything = g_steal_pointer(&reading->tree);
  staged->top = g_steal_pointer(&reading->top);
  staged->in_one_page = reading->pages == 1;
  staged->newest = MAX(reading->newest, reading->signalled);
  view->covered = MAX(reading->oldest, reading->signalled);
  view->is_small = staged->in_one_page && tree_get_size(staged->everything) <= SMALL_SIZE;
  changed_keys_cover_everything(&view->changed_keys, view->covered);
  catch_up_end(reading);
}

static gboolean take_page(RegistryView *view, DBusMessage *reply, GError **error) {
  CatchUp *reading = &view->catch_up;
  TreePage page = {0};
  if (!treepage_read(reply, reading->tree, &reading->top, &page, error))
    return FALSE;
  reading->pages++;
  reading->oldest = MIN(reading->oldest, page.revision);
  reading->newest = MAX(reading->newest, page.revision);
  if (*page.cursor != '\0')
    send_page(view, page.cursor);
  else
    finish_everything(view);
  treepage_clear(&page);
  return TRUE;
}

static void on_page(DBusMessage *reply, const GError *error, gpointer data) {
  RegistryView *view = view_ref(data);
  g_autoptr(GError) problem = NULL;
  view->catch_up.page = NULL;
  if (reply == NULL)
    fail(view, error);
  else if (!take_page(view, reply, &problem))
    fail(view, problem);
  view_turn(view);
}

/* ---- reading single keys ---- */

/* Falls back to reading everything: for links, for more than one page, and when a key that
 * was signalled is missing. */
static void read_everything_instead(RegistryView *view) {
  catch_up_end(&view->catch_up);
  view->forced = TRUE;
}

static gboolean is_same_path(const char *a, const char *b) {
  const char *rest = treepage_relative(a, b);
  return rest != NULL && *rest == '\0';
}

/* FALSE without an error: it takes more than this reply to know. */
static gboolean take_key(RegistryView *view, KeyRead *read, DBusMessage *reply, GError **error) {
  CatchUp *reading = &view->catch_up;
  g_autoptr(Tree) tree = tree_new();
  g_autofree char *top = NULL;
  TreePage page = {0};
  if (!treepage_read(reply, tree, &top, &page, error))
    return FALSE;
  gboolean complete = *page.cursor == '\0' && is_same_path(top, read->path);
  guint64 revision = MAX(page.revision, reading->signalled);
  treepage_clear(&page);
  if (!complete)
    return FALSE;
  reading->newest = MAX(reading->newest, revision);
  read->tree = g_steal_pointer(&tree);
  changed_keys_cover_key(&view->changed_keys, read->path, reads_below(read), revision);
  return TRUE;
}

/* A refusal has no revision: it covers what was signalled before it was asked. */
static gboolean take_refusal(RegistryView *view, KeyRead *read, const GError *error) {
  gboolean missing = g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_KEY_NOT_FOUND);
  gboolean denied = g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_ACCESS_DENIED);
  if (!denied && !(missing && !(read->flags & CHANGED_CREATED)))
    return FALSE;
  view->catch_up.newest = MAX(view->catch_up.newest, view->catch_up.signalled);
  changed_keys_cover_key(&view->changed_keys, read->path, TRUE, view->catch_up.signalled);
  return TRUE;
}

static guint find_in_flight(const RegistryView *view, const KeyRead *read) {
  guint index = 0;
  (void)g_ptr_array_find(view->catch_up.in_flight, read, &index);
  return index;
}

static void finish_keys(RegistryView *view) {
  view->staged.newest = MAX(view->staged.newest, view->catch_up.newest);
  catch_up_end(&view->catch_up);
}

static void on_key(DBusMessage *reply, const GError *error, gpointer data) {
  KeyRead *read = data;
  RegistryView *view = view_ref(read->view);
  g_autoptr(GError) problem = NULL;
  read->call = NULL;
  gboolean known =
      reply != NULL ? take_key(view, read, reply, &problem) : take_refusal(view, read, error);
  if (known) {
    g_ptr_array_steal_index(view->catch_up.in_flight, find_in_flight(view, read));
    stage_key(&view->staged, read);
    send_next_keys(view);
  } else if (g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE)) {
    fail(view, error);
  } else {
    read_everything_instead(view);
  }
  view_turn(view);
}

static void send_key(RegistryView *view, KeyRead *read) {
  g_autoptr(WireMessage) call =
      treepage_new_call(view->connection, read->path, reads_below(read), "");
  g_ptr_array_add(view->catch_up.in_flight, read);
  read->call = connection_call_async(view->connection, call, CALL_TIMEOUT_MS, on_key, read);
}

static void send_next_keys(RegistryView *view) {
  CatchUp *reading = &view->catch_up;
  while (reading->waiting->len > 0 && reading->in_flight->len < MAX_CALLS)
    send_key(view, g_ptr_array_steal_index(reading->waiting, 0));
  if (reading->in_flight->len == 0)
    finish_keys(view);
}

static gint compare_reads(gconstpointer a, gconstpointer b) {
  return path_compare_names((*(KeyRead *const *)a)->path, (*(KeyRead *const *)b)->path);
}

/* Keys above come first, so that what was read later is put in later. */
static void begin_keys(RegistryView *view) {
  catch_up_begin(view, FALSE);
  GHashTableIter iter;
  gpointer path = NULL;
  gpointer span = NULL;
  g_hash_table_iter_init(&iter, view->changed_keys.keys);
  while (g_hash_table_iter_next(&iter, &path, &span)) {
    KeyRead *read = g_new0(KeyRead, 1);
    read->view = view;
    read->path = g_strdup(path);
    read->flags = ((ChangedSpan *)span)->flags;
    g_ptr_array_add(view->catch_up.waiting, read);
  }
  g_ptr_array_sort(view->catch_up.waiting, compare_reads);
  send_next_keys(view);
}

/* ---- the barrier ---- */

static void on_barrier(DBusMessage *reply, const GError *error, gpointer data) {
  RegistryView *view = view_ref(data);
  guint64 revision = 0;
  view->barrier = NULL;
  if (reply == NULL) {
    fail(view, error);
  } else {
    gboolean told = connection_read_revision(reply, &revision) && view->barriers < MAX_BARRIERS;
    view->barrier_revision = MAX(view->barrier_revision, told ? revision : view->staged.newest);
  }
  view_turn(view);
}

void catch_up_send_barrier(RegistryView *view) {
  g_autoptr(WireMessage) call = connection_new_revision_call(view->connection);
  view->barriers++;
  view->barrier = connection_call_async(view->connection, call, CALL_TIMEOUT_MS, on_barrier, view);
}

/* ---- showing ---- */

static gboolean is_proven(const RegistryView *view) {
  const Staged *staged = &view->staged;
  if (staged->everything != NULL && staged->in_one_page && staged->keys == NULL)
    return TRUE;
  return MAX(view->changed_keys.signalled, view->barrier_revision) >= staged->newest;
}

static gboolean fits_together(const RegistryView *view) {
  return is_proven(view) && !changed_keys_reaches_back(&view->changed_keys, view->staged.newest);
}

/* TRUE: it differs from what was shown. */
static gboolean put_everything(RegistryView *view) {
  Staged *staged = &view->staged;
  if (staged->everything == NULL)
    return FALSE;
  gboolean differs = !tree_equal(view->tree, staged->everything);
  tree_free(view->tree);
  view->tree = g_steal_pointer(&staged->everything);
  g_free(view->path);
  view->path = g_steal_pointer(&staged->top);
  return differs;
}

static gboolean put_key(RegistryView *view, const KeyRead *read) {
  const char *relative = treepage_relative(read->path, view->path);
  if (relative == NULL)
    return FALSE;
  const TreeKey *before = tree_find(view->tree, relative);
  if (read->tree == NULL) {
    tree_remove(view->tree, relative);
    return before != NULL;
  }
  gboolean differs =
      reads_below(read) || before == NULL || !tree_key_equal(before, tree_find(read->tree, ""));
  if (differs)
    tree_graft(view->tree, relative, read->tree, reads_below(read));
  return differs;
}

/* The revision up to which nothing is missing; a later watch catches up from it. */
static guint64 find_complete_revision(const RegistryView *view) {
  guint64 first = changed_keys_find_first(&view->changed_keys);
  return first <= view->staged.newest ? first - 1 : view->staged.newest;
}

static void show(RegistryView *view) {
  Staged *staged = &view->staged;
  gboolean differs = put_everything(view);
  for (guint i = 0; staged->keys != NULL && i < staged->keys->len; i++)
    differs = put_key(view, staged->keys->pdata[i]) || differs;
  view->revision = find_complete_revision(view);
  view->reached = view->revision;
  staged_clear(staged);
  staged->rounds = 0;
  view_show(view, REGISTRY_VIEW_READY, NULL, differs);
}

/* ---- failing ---- */

static const struct {
  RegistryError code;
  RegistryViewState state;
} answers[] = {
    {REGISTRY_ERROR_KEY_NOT_FOUND, REGISTRY_VIEW_MISSING},
    {REGISTRY_ERROR_ACCESS_DENIED, REGISTRY_VIEW_DENIED},
};

static RegistryViewState state_from_error(const GError *error) {
  for (gsize i = 0; i < G_N_ELEMENTS(answers); i++)
    if (g_error_matches(error, REGISTRY_ERROR, (gint)answers[i].code))
      return answers[i].state;
  return REGISTRY_VIEW_FAILED;
}

/* The daemon's answer about the key as a whole, as of what it had signalled. */
static void show_refusal(RegistryView *view, const GError *error) {
  RegistryViewState state = state_from_error(error);
  guint64 revision =
      view->catch_up.active ? view->catch_up.signalled : view->changed_keys.signalled;
  catch_up_end(&view->catch_up);
  staged_clear(&view->staged);
  view->staged.rounds = 0;
  changed_keys_cover_everything(&view->changed_keys, revision);
  view->covered = revision;
  view->reached = revision;
  view->is_small = FALSE;
  if (state == REGISTRY_VIEW_FAILED)
    changed_keys_reset(&view->changed_keys,
                       view->changed_keys.signalled); /* it would be asked at once again */
  if (state != REGISTRY_VIEW_MISSING)
    view->watch->ask_again_later(view);
  view_show(view, state, g_error_copy(error), FALSE);
}

static void fail(RegistryView *view, const GError *error) {
  gboolean between_pages = view->catch_up.active && view->catch_up.pages > 0;
  if (g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE)) {
    view->watch->lose(view, g_error_copy(error));
    view->watch->ask_again_later(view);
  } else if (between_pages && view->staged.rounds < MAX_ROUNDS) {
    /* The key that the cursor points at may be gone. */
    read_everything_instead(view);
  } else {
    show_refusal(view, error);
  }
}

/* ---- what is next ---- */

static gboolean needs_everything(const RegistryView *view) {
  return view->forced || view->changed_keys.everything || view->is_small ||
         view->state != REGISTRY_VIEW_READY;
}

static gboolean can_go_on(const RegistryView *view) {
  return view->watched && !view->freed && !view->catch_up.active && view->barrier == NULL;
}

static gboolean has_unread(const RegistryView *view) {
  return view->forced || !changed_keys_is_empty(&view->changed_keys);
}

void catch_up_step(RegistryView *view) {
  view_ref(view); /* the user may free the view when it is shown */
  while (can_go_on(view)) {
    gboolean staged = !staged_is_empty(&view->staged);
    if (staged && !view->forced && (fits_together(view) || view->staged.rounds >= MAX_ROUNDS))
      show(view);
    else if (has_unread(view) && needs_everything(view))
      begin_everything(view);
    else if (has_unread(view))
      begin_keys(view);
    else if (staged)
      catch_up_send_barrier(view);
    else
      break;
  }
  view_unref(view);
}

void view_turn(RegistryView *view) {
  catch_up_step(view);
  sync_queue_settle(sync_queue_of(view->connection));
  view_unref(view);
}
