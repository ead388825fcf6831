/* SPDX-License-Identifier: MIT */
/* Between what is asked and what is stored. Answers for the order of things
 * (watchers before writers, revisions in order, no gap between a watch's replay
 * and what comes live), for watches that follow links, and for shares. Rights
 * are the reader's and the writer's to check. */
#include "regd/service/service.h"

#include <string.h>

#include "client/base/error.h"
#include "client/base/path.h"
#include "client/base/protocol.h"
#include "regd/read/route.h"
#include "regd/tree/settings.h"

#define SNAPSHOT_TRIES 8U

typedef struct {
  guint taken[SHARE_COUNT];
} Usage;

struct Service {
  Reader *reader;
  Writer *writer;
  SchemaSet *schemas;
  ServiceEvents events;
  gpointer data;
  Watchers *watchers;
  LiveSettings settings;
  guint64 revision;  /* the newest that watchers have been told of */
  GHashTable *usage; /* uid -> Usage, only where something is taken */
  gboolean read_only;
};

/* ---- life ---- */

/* What can't be read stays as it was. */
static void read_settings(Service *service) {
  LiveSettings settings;
  if (reader_get_settings(service->reader, &settings, NULL))
    service->settings = settings;
}

Service *service_new(Reader *reader, Writer *writer, SchemaSet *schemas,
                     const ServiceEvents *events, gpointer data) {
  Service *service = g_new0(Service, 1);
  service->reader = reader;
  service->writer = writer;
  service->events = *events;
  service->data = data;
  service->watchers = watchers_new();
  service->usage = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
  service->settings.watches_per_user = LIMIT_WATCHES_DEFAULT;
  service->settings.calls_per_user = LIMIT_CALLS_DEFAULT;
  service->read_only = writer_is_read_only(writer);
  reader_set_commits(reader, writer_get_commits(writer));
  service->revision = reader_get_revision(reader, NULL);
  service_set_schemas(service, schemas);
  read_settings(service);
  return service;
}

void service_free(Service *service) {
  if (service == NULL)
    return;
  watchers_free(service->watchers);
  g_hash_table_unref(service->usage);
  schema_set_unref(service->schemas);
  g_free(service);
}

Reader *service_get_reader(Service *service) {
  return service->reader;
}

SchemaSet *service_get_schemas(Service *service) {
  return service->schemas;
}

void service_set_schemas(Service *service, SchemaSet *schemas) {
  g_autoptr(SchemaSet) before = service->schemas;
  service->schemas = schema_set_ref(schemas);
  reader_set_schemas(service->reader, schemas);
  writer_set_schemas(service->writer, schemas);
}

gboolean service_is_read_only(Service *service) {
  return service->read_only;
}

void service_forget_writer(Service *service) {
  reader_set_commits(service->reader, NULL);
  service->writer = NULL;
}

/* Damage that reading has met ends writing too. */
static void check_read_only(Service *service) {
  if (service->read_only || service->writer == NULL)
    return;
  if (reader_is_damaged(service->reader))
    writer_set_read_only(service->writer);
  if (!writer_is_read_only(service->writer))
    return;
  service->read_only = TRUE;
  service->events.read_only(service->data);
}

/* ---- shares ---- */

static guint share_limit(const Service *service, const Identity *who, Share share) {
  if (share == SHARE_FILES)
    return LIMIT_FILES_PER_USER;
  if (who->administrator)
    return G_MAXUINT;
  return share == SHARE_CALLS ? service->settings.calls_per_user
                              : service->settings.watches_per_user;
}

static const char *const share_names[] = {
    [SHARE_CALLS] = "calls are waiting (the setting Calls Per User)",
    [SHARE_WATCHES] = "watches stand (the setting Watches Per User)",
    [SHARE_FILES] = "files are being worked on",
};

gboolean service_take_share(Service *service, const Identity *who, Share share, GError **error) {
  gpointer uid = GUINT_TO_POINTER(who->uid);
  Usage *usage = g_hash_table_lookup(service->usage, uid);
  guint taken = usage != NULL ? usage->taken[share] : 0;
  guint limit = share_limit(service, who, share);
  if (taken >= limit)
    return error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
                     "user %u has reached the limit of %u: so many %s already", who->uid, limit,
                     share_names[share]);
  if (usage == NULL) {
    usage = g_new0(Usage, 1);
    g_hash_table_insert(service->usage, uid, usage);
  }
  usage->taken[share]++;
  return TRUE;
}

void service_give_back(Service *service, guint32 uid, Share share) {
  static const Usage nothing = {{0}};
  Usage *usage = g_hash_table_lookup(service->usage, GUINT_TO_POINTER(uid));
  g_return_if_fail(usage != NULL && usage->taken[share] > 0);
  usage->taken[share]--;
  if (memcmp(usage, &nothing, sizeof nothing) == 0)
    g_hash_table_remove(service->usage, GUINT_TO_POINTER(uid));
  if (share == SHARE_CALLS)
    check_read_only(service); /* a call has ended, and may have met damage */
}

/* ---- telling watchers ---- */

static void emit(Watch *watch, guint64 revision, const WatchChange *changes, guint n_changes,
                 gpointer data) {
  Service *service = data;
  if (!service->events.changed(watch, revision, changes, n_changes, service->data))
    watch->lost = TRUE;
}

typedef struct {
  gboolean reroutes; /* a link came, went, or leads elsewhere */
  gboolean access;   /* an access list has changed */
} Consequences;

static Consequences find_consequences(const Effective *effective) {
  Consequences found = {FALSE, FALSE};
  for (guint i = 0; i < effective->entries->len; i++) {
    const EffectiveEntry *entry = effective->entries->pdata[i];
    found.reroutes |= entry->reroutes;
    found.access |= entry->kind == CHANGE_ACL_CHANGED;
  }
  return found;
}

/* A watch whose way is closed to its owner stays where it was asked for, which
 * tells him nothing of what he may not see, until the way is open again. */
static void follow_route(Service *service, Watch *watch) {
  g_autoptr(GError) error = NULL;
  guint64 revision = 0;
  g_autofree char *path = reader_resolve(service->reader, watch->who, watch->asked,
                                         watch->no_follow, &revision, &error);
  if (path != NULL) {
    watchers_move(service->watchers, watch, path, FALSE);
    return;
  }
  if (error->code == REGISTRY_ERROR_ACCESS_DENIED || error->code == REGISTRY_ERROR_LINK_LOOP ||
      error->code == REGISTRY_ERROR_LIMIT_EXCEEDED)
    watchers_move(service->watchers, watch, watch->asked, TRUE);
}

static void follow_routes(Service *service, const Consequences *found) {
  if (!found->reroutes && !found->access)
    return;
  g_autoptr(GPtrArray) all = watchers_list(service->watchers);
  for (guint i = 0; i < all->len; i++) {
    Watch *watch = all->pdata[i];
    if (found->reroutes || watch->astray)
      follow_route(service, watch);
  }
}

static void tell_watchers(Service *service, const Effective *effective) {
  Consequences found = find_consequences(effective);
  if (settings_may_have_changed(&service->settings, effective))
    read_settings(service);
  follow_routes(service, &found);
  watchers_match(service->watchers, effective, emit, service);
}

/* ---- writing ---- */

typedef struct {
  Service *service;
  WriteDone done;
  gpointer data;
} Writing;

void service_note_written(Service *service, const WriteResult *result) {
  if (result->effective != NULL)
    tell_watchers(service, result->effective);
  if (result->error == NULL)
    service->revision = MAX(service->revision, result->revision);
  check_read_only(service);
}

guint64 service_get_revision(const Service *service) {
  return service->revision;
}

static void on_written(const WriteResult *result, gpointer data) {
  g_autofree Writing *writing = data;
  service_note_written(writing->service, result);
  writing->done(result, writing->data);
}

void service_write(Service *service, Identity *who, Change *change, WriteDone done, gpointer data) {
  Writing *writing = g_new0(Writing, 1);
  writing->service = service;
  writing->done = done;
  writing->data = data;
  writer_submit(service->writer, who, change, on_written, writing);
}

/* ---- watching ---- */

/* The path, the links that it leads through, and what to replay, all of one revision:
 * a commit between the readings might have led the path elsewhere. */
static char *read_start(Service *service, Identity *who, const char *key,
                        const WatchOptions *options, guint64 *revision, GPtrArray **replay,
                        GError **error) {
  for (guint tries = 0; tries < SNAPSHOT_TRIES; tries++) {
    g_autofree char *path =
        reader_resolve(service->reader, who, key, options->no_follow, revision, error);
    if (path == NULL || options->since == NULL)
      return g_steal_pointer(&path);
    guint64 replayed = 0;
    g_autoptr(RouteLinks) links = route_links_find(service->reader, who, key, options->no_follow);
    const ReplayScope scope = {path, options->recursive, route_links_get_keys(links)};
    g_autoptr(GPtrArray) found =
        reader_replay(service->reader, who, &scope, *options->since, &replayed, error);
    if (found == NULL)
      return NULL;
    if (replayed != *revision)
      continue;
    *replay = g_steal_pointer(&found);
    return g_steal_pointer(&path);
  }
  error_set(error, REGISTRY_ERROR_FAILED, "%s: the registry changes too fast; try again", key);
  return NULL;
}

/* How the path was asked for, in the long spelling that signals carry. */
static char *spell_asked(const char *key, GError **error) {
  g_autoptr(Path) path = path_parse(key, error);
  return path != NULL ? path_to_string(path) : NULL;
}

Watch *service_watch(Service *service, Identity *who, const char *owner, const char *key,
                     const WatchOptions *options, GPtrArray **replay, GError **error) {
  guint64 revision = 0;
  *replay = NULL;
  g_autofree char *asked = spell_asked(key, error);
  if (asked == NULL)
    return NULL;
  g_autofree char *path = read_start(service, who, key, options, &revision, replay, error);
  if (path == NULL)
    return NULL;
  if (!service_take_share(service, who, SHARE_WATCHES, error)) {
    g_clear_pointer(replay, g_ptr_array_unref);
    return NULL;
  }
  Watch *watch =
      watchers_add(service->watchers, owner, who, asked, path, options->recursive, revision);
  watch->no_follow = options->no_follow;
  return watch;
}

static gboolean leads_through(const RouteLinks *links, const Effective *effective) {
  for (guint i = 0; i < effective->entries->len; i++) {
    const EffectiveEntry *entry = effective->entries->pdata[i];
    if (entry->reroutes && route_links_contain(links, entry->key))
      return TRUE;
  }
  return FALSE;
}

static gboolean any_reroutes(const GPtrArray *replay) {
  for (guint i = 0; i < replay->len; i++)
    if (find_consequences(replay->pdata[i]).reroutes)
      return TRUE;
  return FALSE;
}

void service_replay(Service *service, Watch *watch, GPtrArray *replay) {
  g_autoptr(GPtrArray) owned = replay;
  g_autoptr(RouteLinks) links =
      any_reroutes(replay)
          ? route_links_find(service->reader, watch->who, watch->asked, watch->no_follow)
          : NULL;
  for (guint i = 0; i < replay->len; i++) {
    const Effective *effective = replay->pdata[i];
    if (links != NULL && leads_through(links, effective))
      watchers_reroute(service->watchers, watch);
    watchers_match_one(service->watchers, watch, effective, emit, service);
  }
}

static void end_watch(Service *service, Watch *watch) {
  service_give_back(service, watch->who->uid, SHARE_WATCHES);
  watchers_remove(service->watchers, watch);
}

gboolean service_unwatch(Service *service, const char *owner, guint32 id, GError **error) {
  Watch *watch = watchers_find(service->watchers, id);
  if (watch == NULL || strcmp(watch->owner, owner) != 0)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%u is no watch of this connection; it takes an id that Watch returned", id);
  end_watch(service, watch);
  return TRUE;
}

void service_forget_owner(Service *service, const char *owner) {
  g_autoptr(GPtrArray) owned = owner != NULL ? watchers_list_owner(service->watchers, owner)
                                             : watchers_list(service->watchers);
  for (guint i = 0; i < owned->len; i++)
    end_watch(service, owned->pdata[i]);
}

gboolean service_resume_owner(Service *service, const char *owner) {
  g_autoptr(GPtrArray) owned = watchers_list_owner(service->watchers, owner);
  gboolean complete = TRUE;
  for (guint i = 0; i < owned->len; i++) {
    Watch *watch = owned->pdata[i];
    if (!watch->lost)
      continue;
    watch->lost = FALSE;
    watchers_tell_all_changed(watch, service->revision, emit, service);
    complete &= !watch->lost;
  }
  return complete;
}
