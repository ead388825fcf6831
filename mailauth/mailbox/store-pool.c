/* SPDX-License-Identifier: MIT */
/* Store processes: see store-pool.h. A store serves one session at a time, of one
 * Maildir; in between it is idle, and kept for a while. It is split off a maker, which
 * the parent started as the mail's user. Only the parent knows which user's process a
 * Maildir needs; what it said last is tried first, and it is asked again if that fails. */
#include "mailauth/mailbox/store-pool-private.h"

#include <glib-unix.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/base/limits.h"

#define MAX_IDLE 128U
#define IDLE_SECONDS 60
#define SWEEP_SECONDS 15
/* Messages handled before the loop turns to its other sources. */
#define BATCH 64U
/* For the parent and the store together. */
#define OPEN_SECONDS 30
#define MAX_OWNERS 10000U

static void close_socket(int *descriptor) {
  if (*descriptor >= 0)
    close(*descriptor);
  *descriptor = -1;
}

static void opening_free(gpointer data) {
  Opening *opening = data;
  g_queue_remove(&opening->stores->waiting, opening);
  if (opening->store != NULL)
    opening->store->opening = NULL;
  if (opening->timer != 0)
    g_source_remove(opening->timer);
  close_socket(&opening->socket);
  g_free(opening->user);
  g_free(opening->address);
  g_free(opening->maildir);
  g_free(opening->mail_user);
  g_free(opening->unique_ids);
  g_free(opening);
}

/* Has the main loop notice its next message if it is asked something. FALSE if it can't. */
static gboolean await_store(StoreProcess *store) {
  gboolean is_full = channel_wants_write(store->channel);
  struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT | (is_full ? EPOLLOUT : 0U),
                              .data.ptr = store};
  if (store->opening == NULL && !is_full)
    return TRUE;
  return epoll_ctl(store->stores->asked, EPOLL_CTL_MOD, channel_get_descriptor(store->channel),
                   &event) == 0;
}

/* Into both sets. FALSE if there is no room. */
static gboolean watch_store(StoreProcess *store) {
  int descriptor = channel_get_descriptor(store->channel);
  struct epoll_event once = {.events = EPOLLONESHOT, .data.ptr = store};
  struct epoll_event always = {.events = EPOLLIN, .data.ptr = store};
  return epoll_ctl(store->stores->asked, EPOLL_CTL_ADD, descriptor, &once) == 0 &&
         epoll_ctl(store->stores->quiet, EPOLL_CTL_ADD, descriptor, &always) == 0;
}

static void unwatch_store(const StoreProcess *store) {
  int descriptor = channel_get_descriptor(store->channel);
  (void)epoll_ctl(store->stores->asked, EPOLL_CTL_DEL, descriptor, NULL);
  (void)epoll_ctl(store->stores->quiet, EPOLL_CTL_DEL, descriptor, NULL);
}

static void store_free(gpointer data) {
  StoreProcess *store = data;
  unwatch_store(store);
  channel_free(store->channel);
  g_free(store->mail_user);
  g_free(store->maildir);
  g_free(store->user);
  g_free(store->address);
  g_free(store);
}

static gboolean on_ready(int descriptor, GIOCondition condition, gpointer data);
static gboolean on_rung(int descriptor, GIOCondition condition, gpointer data);

static GSource *watch(int descriptor, GUnixFDSourceFunc function, gpointer data) {
  GSource *source = g_unix_fd_source_new(descriptor, G_IO_IN);
  g_source_set_callback(source, G_SOURCE_FUNC(function), data, NULL);
  /* It runs no loop: GLib would take the descriptor out of its set for its length. */
  g_source_set_can_recurse(source, TRUE);
  g_source_attach(source, NULL);
  return source;
}

Stores *stores_new(Channel *parent, StoreUnreadable unreadable, gpointer data) {
  Stores *stores = g_new0(Stores, 1);
  stores->parent = parent;
  stores->unreadable = unreadable;
  stores->data = data;
  stores->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  stores->asked = epoll_create1(EPOLL_CLOEXEC);
  stores->quiet = epoll_create1(EPOLL_CLOEXEC);
  stores->own_uid = (guint32)getuid();
  g_queue_init(&stores->waiting);
  stores->ready = watch(stores->asked, on_ready, stores);
  if (stores->bell >= 0)
    stores->rung = watch(stores->bell, on_rung, stores);
  stores->openings = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, opening_free);
  stores->stores = g_ptr_array_new_with_free_func(store_free);
  stores->owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  return stores;
}

void stores_free(Stores *stores) {
  if (stores == NULL)
    return;
  g_hash_table_unref(stores->openings);
  g_ptr_array_unref(stores->stores);
  g_hash_table_unref(stores->owners);
  g_source_destroy(stores->ready);
  g_source_unref(stores->ready);
  if (stores->rung != NULL)
    g_source_destroy(stores->rung);
  g_clear_pointer(&stores->rung, g_source_unref);
  close_socket(&stores->bell);
  if (stores->sweep != 0)
    g_source_remove(stores->sweep);
  close(stores->asked);
  close(stores->quiet);
  g_free(stores);
}

/* ---- the end of an opening ---- */

/* Takes the opening out, and tells who asked. */
static void finish(Opening *opening, Outcome outcome, const char *problem) {
  StoreOpened opened = opening->opened;
  gpointer data = opening->data;
  g_autofree char *text = g_strdup(problem);
  int descriptor = outcome == OUTCOME_OK ? opening->socket : -1;
  if (outcome == OUTCOME_OK)
    opening->socket = -1;
  g_hash_table_remove(opening->stores->openings, &opening->id);
  opened(outcome, text, descriptor, data);
}

static void try_maker(Opening *opening);

static void drop_store(StoreProcess *store) {
  g_ptr_array_remove(store->stores->stores, store);
}

/* The process may still open the mailbox, though the login is over. And it may be its
 * maker that hangs, and would make none for later logins either: both go. */
static void drop_family(const Stores *stores, guint64 maker, const StoreProcess *member) {
  for (guint i = stores->stores->len; i > 0; i--) {
    StoreProcess *store = stores->stores->pdata[i - 1];
    if (store == member || (store->maildir == NULL && store->number == maker))
      drop_store(store);
  }
}

static gboolean on_late(gpointer data) {
  Opening *opening = data;
  StoreProcess *store = g_steal_pointer(&opening->store);
  opening->timer = 0;
  if (store != NULL)
    drop_family(opening->stores, store->number, store);
  finish(opening, OUTCOME_NO_MAILBOX, "the mailbox's process does not answer");
  return G_SOURCE_REMOVE;
}

/* ---- a store ---- */

static void become_idle(StoreProcess *store) {
  store->serving = FALSE;
  g_clear_pointer(&store->user, g_free);
  g_clear_pointer(&store->address, g_free);
  store->idle_since = g_get_monotonic_time();
  if (stores_find_idle_count(store->stores) > MAX_IDLE)
    drop_store(store);
}

static void on_ended(StoreProcess *store) {
  Opening *opening = store->opening;
  store->opening = NULL;
  drop_store(store);
  if (opening == NULL)
    return;
  opening->store = NULL;
  if (opening->guessed)
    try_maker(opening);
  else
    finish(opening, OUTCOME_NO_MAILBOX, "the mailbox's process has ended");
}

static void on_opened(StoreProcess *store, Message *message) {
  guint64 session = 0;
  guint32 outcome = 0;
  const char *problem = NULL;
  g_variant_get(message->body, "(tu&s)", &session, &outcome, &problem);
  Opening *opening = store->opening;
  if (opening == NULL || opening->id != session || outcome >= N_OUTCOMES) {
    on_ended(store);
    return;
  }
  store->opening = NULL;
  opening->store = NULL;
  opening->tried = store->number;
  if (outcome == OUTCOME_OK) {
    store->serving = TRUE;
    store->user = g_steal_pointer(&opening->user);
    store->address = g_steal_pointer(&opening->address);
    finish(opening, OUTCOME_OK, NULL);
    return;
  }
  become_idle(store);
  if (opening->guessed && outcome == OUTCOME_NO_MAILBOX)
    try_maker(opening);
  else
    finish(opening, outcome == OUTCOME_MAILBOX_IN_USE ? OUTCOME_MAILBOX_IN_USE : OUTCOME_NO_MAILBOX,
           problem);
}

static void on_unreadable(const StoreProcess *store, Message *message) {
  guint64 session = 0;
  const char *problem = NULL;
  g_variant_get(message->body, "(t&s)", &session, &problem);
  if (store->stores->unreadable != NULL)
    store->stores->unreadable(store->user, store->address, problem, store->stores->data);
  (void)channel_send(store->channel, MESSAGE_HEARD, g_variant_new_uint64(session), NULL, 0, NULL);
}

static void on_store_message(StoreProcess *store, Message *message) {
  if (message->kind == MESSAGE_OPENED)
    on_opened(store, message);
  else if (message->kind == MESSAGE_CLOSED && store->serving)
    become_idle(store);
  else if (message->kind == MESSAGE_UNREADABLE && store->serving)
    on_unreadable(store, message);
}

/* One message at most: it may be the store's last. One that is not there yet is
 * waited for. */
static void serve_store(StoreProcess *store, guint32 events) {
  g_auto(Message) message = MESSAGE_INIT;
  if ((events & EPOLLOUT) != 0) {
    (void)channel_flush(store->channel, NULL);
    (void)await_store(store);
  }
  ChannelResult result = channel_receive(store->channel, &message, NULL);
  if (result == CHANNEL_MESSAGE)
    on_store_message(store, &message);
  else if (result == CHANNEL_CLOSED || !await_store(store))
    on_ended(store);
}

/* Each is asked for when it is its turn: the one before may have ended others. */
static void serve_stores(int watcher, guint most) {
  struct epoll_event event;
  for (guint i = 0; i < most && epoll_wait(watcher, &event, 1, 0) == 1; i++)
    serve_store(event.data.ptr, event.events);
}

/* Those that nothing was asked of: each has said at most that its session is over. */
static void hear_quiet(const Stores *stores) {
  serve_stores(stores->quiet, stores->stores->len);
}

static gboolean on_ready(int descriptor, G_GNUC_UNUSED GIOCondition condition,
                         G_GNUC_UNUSED gpointer data) {
  serve_stores(descriptor, BATCH);
  return G_SOURCE_CONTINUE;
}

static gboolean on_rung(int descriptor, G_GNUC_UNUSED GIOCondition condition, gpointer data) {
  guint64 rings = 0;
  if (read(descriptor, &rings, sizeof rings) > 0)
    hear_quiet(data);
  return G_SOURCE_CONTINUE;
}

static gboolean on_sweep(gpointer data) {
  Stores *stores = data;
  hear_quiet(stores);
  gint64 long_ago = g_get_monotonic_time() - IDLE_SECONDS * G_USEC_PER_SEC;
  for (guint i = stores->stores->len; i > 0; i--) {
    StoreProcess *store = stores->stores->pdata[i - 1];
    if (!store_is_busy(store) && store->idle_since < long_ago)
      drop_store(store);
  }
  if (stores->stores->len > 0)
    return G_SOURCE_CONTINUE;
  stores->sweep = 0;
  return G_SOURCE_REMOVE;
}

guint stores_count_idle(Stores *stores) {
  hear_quiet(stores);
  return stores_find_idle_count(stores);
}

guint stores_count_sessions(Stores *stores) {
  guint busy = 0;
  hear_quiet(stores);
  for (guint i = 0; i < stores->stores->len; i++)
    busy += store_is_busy(stores->stores->pdata[i]) ? 1 : 0;
  return busy;
}

/* Gives the Maildir to @store; what can't be sent ends the store. */
static void open_at(Opening *opening, StoreProcess *store) {
  int ends[2];
  close_socket(&opening->socket);
  store->opening = opening;
  opening->store = store;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    on_ended(store);
    return;
  }
  opening->socket = ends[0];
  GVariant *body = g_variant_new("(tsssu)", opening->id, opening->user, opening->maildir,
                                 opening->unique_ids, opening->idle_timeout);
  gboolean sent = channel_send(store->channel, MESSAGE_OPEN, body, &ends[1], 1, NULL);
  close(ends[1]);
  if (!sent || !await_store(store))
    on_ended(store);
}

/* ---- asking ---- */

static gboolean on_unavailable(gpointer data) {
  Opening *opening = data;
  opening->timer = 0;
  finish(opening, OUTCOME_NO_MAILBOX, "no process for the mailbox can be had");
  return G_SOURCE_REMOVE;
}

/* The caller must not be called back from inside. */
static void fail_later(Opening *opening) {
  if (opening->timer != 0)
    g_source_remove(opening->timer);
  opening->timer = g_idle_add(on_unavailable, opening);
}

static void ask_parent(Opening *opening) {
  Stores *stores = opening->stores;
  opening->guessed = FALSE;
  if (stores->is_asked) {
    g_queue_push_tail(&stores->waiting, opening);
    return;
  }
  GVariant *body = g_variant_new("(tss@au)", opening->id, opening->maildir, opening->mail_user,
                                 store_find_makers(opening));
  if (channel_send(stores->parent, MESSAGE_WANT_STORE, body, NULL, 0, NULL))
    stores->is_asked = TRUE;
  else
    fail_later(opening);
}

/* Hears whether those that served the same Maildir last have finished: each that
 * is heard may be gone then, but none beside it. */
static void hear_same(const Stores *stores, const Opening *opening) {
  for (guint i = stores->stores->len; i > 0; i--) {
    StoreProcess *store = stores->stores->pdata[i - 1];
    if (store->serving && g_str_equal(store->maildir, opening->maildir))
      serve_store(store, 0);
  }
}

/* Takes @descriptor. NULL if it can't be watched. */
static StoreProcess *add_store(Stores *stores, int descriptor, guint32 uid, const Opening *opening,
                               gboolean is_maker) {
  StoreProcess *store = g_new0(StoreProcess, 1);
  store->stores = stores;
  store->number = is_maker ? ++stores->last_maker : opening->tried;
  store->uid = uid;
  store->mail_user = g_strdup(opening->mail_user);
  store->maildir = is_maker ? NULL : g_strdup(opening->maildir);
  store->idle_since = g_get_monotonic_time();
  store->channel = channel_new(descriptor, ROLE_VERIFIER, ROLE_STORE);
  g_ptr_array_add(stores->stores, store);
  if (stores->sweep == 0)
    stores->sweep = g_timeout_add_seconds(SWEEP_SECONDS, on_sweep, stores);
  if (watch_store(store))
    return store;
  drop_store(store);
  return NULL;
}

/* Has @maker split a process off for the Maildir, and gives it to that. The parent is
 * asked for a maker again if it has gone, but not twice. */
static void split(Opening *opening, StoreProcess *maker) {
  int ends[2];
  Stores *stores = opening->stores;
  opening->tried = maker->number;
  if (!channel_pair(ends, NULL)) {
    fail_later(opening);
    return;
  }
  const int descriptors[] = {ends[1], stores->bell};
  gboolean sent = channel_send(maker->channel, MESSAGE_SPLIT, NULL, descriptors,
                               stores->bell >= 0 ? 2 : 1, NULL);
  close(ends[1]);
  if (!sent) {
    close(ends[0]);
    drop_store(maker);
    if (opening->guessed)
      ask_parent(opening);
    else
      fail_later(opening);
    return;
  }
  maker->idle_since = g_get_monotonic_time();
  (void)await_store(maker);
  StoreProcess *store = add_store(stores, ends[0], maker->uid, opening, FALSE);
  if (store != NULL)
    open_at(opening, store);
  else
    fail_later(opening);
}

/* FALSE: there are as many processes as there may be, and all serve. */
static gboolean make_room(const Stores *stores) {
  StoreProcess *oldest = NULL;
  if (stores->stores->len < MAX_STORES)
    return TRUE;
  for (guint i = 0; i < stores->stores->len; i++) {
    StoreProcess *store = stores->stores->pdata[i];
    if (store_is_idle(store) && (oldest == NULL || store->idle_since < oldest->idle_since))
      oldest = store;
  }
  if (oldest != NULL)
    drop_store(oldest);
  return oldest != NULL;
}

/* Gives it to a maker that is there, but not twice to the same: then the parent is
 * asked for another. */
static void try_maker(Opening *opening) {
  if (!make_room(opening->stores)) {
    fail_later(opening);
    return;
  }
  StoreProcess *maker = store_find_maker(opening->stores, opening);
  opening->guessed = TRUE;
  if (maker != NULL)
    split(opening, maker);
  else
    ask_parent(opening);
}

/* Nothing in here answers at once: see fail_later(). */
static void start(Opening *opening) {
  hear_same(opening->stores, opening);
  StoreProcess *store = store_find_idle(opening->stores, opening);
  if (store == NULL)
    hear_quiet(opening->stores);
  opening->timer = g_timeout_add_seconds(OPEN_SECONDS, on_late, opening);
  opening->guessed = TRUE;
  if (store != NULL)
    open_at(opening, store);
  else
    try_maker(opening);
}

void stores_open(Stores *stores, const StoreRequest *request, StoreOpened opened, gpointer data) {
  Opening *opening = g_new0(Opening, 1);
  *opening = (Opening){.stores = stores,
                       .id = ++stores->last_id,
                       .user = g_strdup(request->user),
                       .address = g_strdup(request->address),
                       .maildir = g_strdup(request->maildir),
                       .mail_user = g_strdup(request->mail_user),
                       .unique_ids = g_strdup(request->unique_ids),
                       .idle_timeout = request->idle_timeout,
                       .opened = opened,
                       .data = data,
                       .socket = -1};
  g_hash_table_insert(stores->openings, &opening->id, opening);
  start(opening);
}

static void take_maker(Opening *opening, guint32 uid, int descriptor) {
  /* The one before, if there is one, could not open it. */
  opening->tried = 0;
  StoreProcess *older = store_find_maker(opening->stores, opening);
  if (older != NULL)
    drop_store(older);
  StoreProcess *maker = add_store(opening->stores, descriptor, uid, opening, TRUE);
  if (maker == NULL || !make_room(opening->stores))
    finish(opening, OUTCOME_NO_MAILBOX, "no more processes for mailboxes can be had");
  else
    split(opening, maker);
}

/* Others have their turn, and may have what the parent has sent. */
static void serve_waiting(Stores *stores) {
  while (!stores->is_asked && stores->waiting.length > 0)
    try_maker(g_queue_pop_head(&stores->waiting));
}

static void take_store(Stores *stores, guint64 id, guint32 uid, int descriptor) {
  Opening *opening = g_hash_table_lookup(stores->openings, &id);
  if (opening == NULL || opening->store != NULL) {
    close_socket(&descriptor); /* too late: the opening is over */
    return;
  }
  if (g_hash_table_size(stores->owners) >= MAX_OWNERS)
    g_hash_table_remove_all(stores->owners);
  g_hash_table_replace(stores->owners, g_strdup(opening->maildir), GUINT_TO_POINTER(uid));
  if (descriptor < 0)
    try_maker(opening);
  else
    take_maker(opening, uid, descriptor);
}

void stores_take_store(Stores *stores, Message *message) {
  guint64 id = 0;
  guint32 uid = 0;
  g_variant_get(message->body, "(tu)", &id, &uid);
  stores->is_asked = FALSE;
  take_store(stores, id, uid, message_take_descriptor(message, 0));
  serve_waiting(stores);
}

void stores_take_refusal(Stores *stores, const Message *message) {
  guint64 id = 0;
  const char *problem = NULL;
  g_variant_get(message->body, "(t&s)", &id, &problem);
  stores->is_asked = FALSE;
  Opening *opening = g_hash_table_lookup(stores->openings, &id);
  if (opening != NULL && opening->store == NULL)
    finish(opening, OUTCOME_NO_MAILBOX, problem);
  serve_waiting(stores);
}
