/* SPDX-License-Identifier: MIT */
/* Reading what has changed, and showing it when it fits together.
 *
 * It answers for what is shown never going back in time and never being a mix
 * of two revisions:
 *
 *  - One read is under way at a time, and what it read is staged. A change that
 *    is signalled meanwhile stays dirty unless the reply's revision covers it.
 *  - What is staged is shown when nothing that changed up to its newest
 *    revision is unread. That takes every signal up to there to have come. The
 *    daemon may answer a read before it has sent the signal of the last commit,
 *    so unless the signals prove it, one more round trip (the fence) does: the
 *    property Revision says up to where they have been sent.
 *  - A sub-tree that is small is always read whole, in one reply, which is of
 *    one revision and needs no more proof.
 *  - Where a busy writer leaves no moment at which it all fits, it is shown
 *    after MAX_ROUNDS reads all the same, and reading goes on.
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
#define MAX_FENCES 8
/* Keys read at once: six views stay below the bus's 128 calls a connection. */
#define MAX_CALLS 8

typedef struct {
  RegistryView *view;
  ConnectionCall *call; /* while it is under way */
  char *path;           /* canonical */
  guint flags;          /* of DirtFlags: why it is read */
  Tree *tree;           /* what was found there; NULL: nothing */
} KeyRead;

static void fail(RegistryView *view, const GError *error);
static void on_page(G_GNUC_UNUSED RegistryConnection *connection, DBusMessage *reply,
                    const GError *error, gpointer data);
static void send_next_keys(RegistryView *view);

static void key_read_free(gpointer data) {
  KeyRead *read = data;
  connection_call_cancel(read->call);
  tree_free(read->tree);
  g_free(read->path);
  g_free(read);
}

/* In place of what was below. */
static gboolean reads_below(const KeyRead *read) {
  return (read->flags & DIRT_BELOW) != 0;
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

static void reread_end(Reread *reread) {
  connection_call_cancel(reread->page);
  g_clear_pointer(&reread->tree, tree_free);
  g_clear_pointer(&reread->top, g_free);
  g_clear_pointer(&reread->waiting, g_ptr_array_unref);
  g_clear_pointer(&reread->flying, g_ptr_array_unref);
  *reread = (Reread){0};
}

void reread_cancel(RegistryView *view) {
  reread_end(&view->reread);
  staged_clear(&view->staged);
  view->staged.rounds = 0;
  g_clear_pointer(&view->fence, connection_call_cancel);
  view->forced = FALSE;
  dirt_reset(&view->dirt, view->dirt.signalled);
}

static void reread_begin(RegistryView *view, gboolean everything) {
  view->reread = (Reread){
      .active = TRUE,
      .everything = everything,
      .forced = everything && view->forced,
      .signalled = view->dirt.signalled,
      .oldest = G_MAXUINT64,
      .waiting = g_ptr_array_new_with_free_func(key_read_free),
      .flying = g_ptr_array_new_with_free_func(key_read_free),
  };
  if (everything)
    view->forced = FALSE;
  view->staged.rounds++;
  view->fences = 0;
}

/* ---- reading everything, page by page ---- */

static void send_page(RegistryView *view, const char *cursor) {
  g_autoptr(WireMessage) call = treepage_new_call(view->connection, view->key, TRUE, cursor);
  view->reread.page = connection_call_async(view->connection, call, CALL_TIMEOUT_MS, on_page, view);
}

static void begin_everything(RegistryView *view) {
  staged_clear(&view->staged);
  reread_begin(view, TRUE);
  view->reread.tree = tree_new();
  send_page(view, "");
}

/* Any page was read after the signals that had come when the first was asked for. */
static void finish_everything(RegistryView *view) {
  Reread *reread = &view->reread;
  Staged *staged = &view->staged;
  staged->everything = g_steal_pointer(&reread->tree);
  staged->top = g_steal_pointer(&reread->top);
  staged->in_one_page = reread->pages == 1;
  staged->newest = MAX(reread->newest, reread->signalled);
  view->covered = MAX(reread->oldest, reread->signalled);
  view->reread_once = staged->in_one_page && tree_get_size(staged->everything) <= SMALL_SIZE;
  dirt_cover_everything(&view->dirt, view->covered);
  reread_end(reread);
}

static gboolean take_page(RegistryView *view, DBusMessage *reply, GError **error) {
  Reread *reread = &view->reread;
  TreePage page = {0};
  if (!treepage_read(reply, reread->tree, &reread->top, &page, error))
    return FALSE;
  reread->pages++;
  reread->oldest = MIN(reread->oldest, page.revision);
  reread->newest = MAX(reread->newest, page.revision);
  if (*page.cursor != '\0')
    send_page(view, page.cursor);
  else
    finish_everything(view);
  treepage_clear(&page);
  return TRUE;
}

static void on_page(G_GNUC_UNUSED RegistryConnection *connection, DBusMessage *reply,
                    const GError *error, gpointer data) {
  RegistryView *view = view_ref(data);
  g_autoptr(GError) problem = NULL;
  view->reread.page = NULL;
  if (reply == NULL)
    fail(view, error);
  else if (!take_page(view, reply, &problem))
    fail(view, problem);
  view_turn(view);
}

/* ---- reading single keys ---- */

/* What can't be told by reading the key alone: links, more than a page, and
 * what was said to be there and is not. */
static void read_everything_instead(RegistryView *view) {
  reread_end(&view->reread);
  view->forced = TRUE;
}

static gboolean is_same_path(const char *a, const char *b) {
  const char *rest = treepage_relative(a, b);
  return rest != NULL && *rest == '\0';
}

/* FALSE without an error: it takes more than this reply to know. */
static gboolean take_key(RegistryView *view, KeyRead *read, DBusMessage *reply, GError **error) {
  Reread *reread = &view->reread;
  g_autoptr(Tree) tree = tree_new();
  g_autofree char *top = NULL;
  TreePage page = {0};
  if (!treepage_read(reply, tree, &top, &page, error))
    return FALSE;
  gboolean complete = *page.cursor == '\0' && is_same_path(top, read->path);
  guint64 revision = MAX(page.revision, reread->signalled);
  treepage_clear(&page);
  if (!complete)
    return FALSE;
  reread->newest = MAX(reread->newest, revision);
  read->tree = g_steal_pointer(&tree);
  dirt_cover_key(&view->dirt, read->path, reads_below(read), revision);
  return TRUE;
}

/* A refusal has no revision: it covers what was signalled before it was asked. */
static gboolean take_refusal(RegistryView *view, KeyRead *read, const GError *error) {
  gboolean missing = g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_KEY_NOT_FOUND);
  gboolean denied = g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_ACCESS_DENIED);
  if (!denied && !(missing && !(read->flags & DIRT_CREATED)))
    return FALSE;
  view->reread.newest = MAX(view->reread.newest, view->reread.signalled);
  dirt_cover_key(&view->dirt, read->path, TRUE, view->reread.signalled);
  return TRUE;
}

static guint find_flying(const RegistryView *view, const KeyRead *read) {
  guint index = 0;
  (void)g_ptr_array_find(view->reread.flying, read, &index);
  return index;
}

static void finish_keys(RegistryView *view) {
  view->staged.newest = MAX(view->staged.newest, view->reread.newest);
  reread_end(&view->reread);
}

static void on_key(G_GNUC_UNUSED RegistryConnection *connection, DBusMessage *reply,
                   const GError *error, gpointer data) {
  KeyRead *read = data;
  RegistryView *view = view_ref(read->view);
  g_autoptr(GError) problem = NULL;
  read->call = NULL;
  gboolean known =
      reply != NULL ? take_key(view, read, reply, &problem) : take_refusal(view, read, error);
  if (known) {
    g_ptr_array_steal_index(view->reread.flying, find_flying(view, read));
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
  g_ptr_array_add(view->reread.flying, read);
  read->call = connection_call_async(view->connection, call, CALL_TIMEOUT_MS, on_key, read);
}

static void send_next_keys(RegistryView *view) {
  Reread *reread = &view->reread;
  while (reread->waiting->len > 0 && reread->flying->len < MAX_CALLS)
    send_key(view, g_ptr_array_steal_index(reread->waiting, 0));
  if (reread->flying->len == 0)
    finish_keys(view);
}

static gint compare_reads(gconstpointer a, gconstpointer b) {
  return path_compare_names((*(KeyRead *const *)a)->path, (*(KeyRead *const *)b)->path);
}

/* Keys above come first, so that what was read later is put in later. */
static void begin_keys(RegistryView *view) {
  reread_begin(view, FALSE);
  GHashTableIter iter;
  gpointer path = NULL;
  gpointer span = NULL;
  g_hash_table_iter_init(&iter, view->dirt.keys);
  while (g_hash_table_iter_next(&iter, &path, &span)) {
    KeyRead *read = g_new0(KeyRead, 1);
    read->view = view;
    read->path = g_strdup(path);
    read->flags = ((DirtSpan *)span)->flags;
    g_ptr_array_add(view->reread.waiting, read);
  }
  g_ptr_array_sort(view->reread.waiting, compare_reads);
  send_next_keys(view);
}

/* ---- the fence ---- */

static void on_fence(G_GNUC_UNUSED RegistryConnection *connection, DBusMessage *reply,
                     const GError *error, gpointer data) {
  RegistryView *view = view_ref(data);
  guint64 revision = 0;
  view->fence = NULL;
  if (reply == NULL) {
    fail(view, error);
  } else {
    gboolean told = connection_read_revision(reply, &revision) && view->fences < MAX_FENCES;
    view->fenced = MAX(view->fenced, told ? revision : view->staged.newest);
  }
  view_turn(view);
}

void reread_send_fence(RegistryView *view) {
  g_autoptr(WireMessage) call = connection_new_revision_call(view->connection);
  view->fences++;
  view->fence = connection_call_async(view->connection, call, CALL_TIMEOUT_MS, on_fence, view);
}

/* ---- showing ---- */

static gboolean is_proven(const RegistryView *view) {
  const Staged *staged = &view->staged;
  if (staged->everything != NULL && staged->in_one_page && staged->keys == NULL)
    return TRUE;
  return MAX(view->dirt.signalled, view->fenced) >= staged->newest;
}

static gboolean fits_together(const RegistryView *view) {
  return is_proven(view) && !dirt_reaches_back(&view->dirt, view->staged.newest);
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

/* The revision up to which nothing is missing, for catching up later. */
static guint64 find_complete_revision(const RegistryView *view) {
  guint64 first = dirt_find_first(&view->dirt);
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
  guint64 revision = view->reread.active ? view->reread.signalled : view->dirt.signalled;
  reread_end(&view->reread);
  staged_clear(&view->staged);
  view->staged.rounds = 0;
  dirt_cover_everything(&view->dirt, revision);
  view->covered = revision;
  view->reached = revision;
  view->reread_once = FALSE;
  if (state == REGISTRY_VIEW_FAILED)
    dirt_reset(&view->dirt, view->dirt.signalled); /* it would be asked at once again */
  if (state != REGISTRY_VIEW_MISSING)
    view->watch->ask_again_later(view);
  view_show(view, state, g_error_copy(error), FALSE);
}

static void fail(RegistryView *view, const GError *error) {
  gboolean between_pages = view->reread.active && view->reread.pages > 0;
  if (g_error_matches(error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE)) {
    view->watch->lose(view, g_error_copy(error));
    view->watch->ask_again_later(view);
  } else if (between_pages && view->staged.rounds < MAX_ROUNDS) {
    /* What the cursor pointed at may be gone. */
    read_everything_instead(view);
  } else {
    show_refusal(view, error);
  }
}

/* ---- what is next ---- */

static gboolean needs_everything(const RegistryView *view) {
  return view->forced || view->dirt.everything || view->reread_once ||
         view->state != REGISTRY_VIEW_READY;
}

static gboolean can_go_on(const RegistryView *view) {
  return view->watched && !view->freed && !view->reread.active && view->fence == NULL;
}

static gboolean is_dirty(const RegistryView *view) {
  return view->forced || !dirt_is_clean(&view->dirt);
}

void reread_step(RegistryView *view) {
  view_ref(view); /* showing may end in its being freed */
  while (can_go_on(view)) {
    gboolean staged = !staged_is_empty(&view->staged);
    if (staged && !view->forced && (fits_together(view) || view->staged.rounds >= MAX_ROUNDS))
      show(view);
    else if (is_dirty(view) && needs_everything(view))
      begin_everything(view);
    else if (is_dirty(view))
      begin_keys(view);
    else if (staged)
      reread_send_fence(view);
    else
      break;
  }
  view_unref(view);
}

void view_turn(RegistryView *view) {
  reread_step(view);
  sync_queue_settle(sync_queue_of(view->connection));
  view_unref(view);
}
