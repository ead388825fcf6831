/* SPDX-License-Identifier: MIT */
/* Identities, resolved access lists, their text form for the database, and the decision
 * itself. Pure, apart from access_resolve_with_nss(), which only callers off the main loop
 * hand in. */
#include "regd/base/access.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "client/base/error.h"
#include "client/base/protocol.h"

#define LIMIT_PRINCIPAL_BYTES 512U
#define NSS_BUFFER_FIRST 1024U
#define NSS_BUFFER_LAST (1024U * 1024U)

struct Acl {
  guint n_entries;
  AclEntry *entries;
};

/* ---- identities ---- */

Identity *identity_new(guint32 uid, gboolean administrator, const guint32 *groups, guint n_groups,
                       guint32 pid, const char *program) {
  Identity *identity = g_atomic_rc_box_new0(Identity);
  identity->uid = uid;
  identity->pid = pid;
  identity->administrator = administrator;
  identity->groups = g_memdup2(groups, n_groups * sizeof *groups);
  identity->n_groups = n_groups;
  identity->branch = g_strdup_printf("HKEY_USERS\\%u", uid);
  identity->program = g_strdup(program != NULL ? program : "");
  return identity;
}

gboolean identity_is_administrator(guint32 uid, guint32 own) {
  return uid == 0 || uid == own;
}

Identity *identity_ref(Identity *identity) {
  return g_atomic_rc_box_acquire(identity);
}

static void identity_clear(gpointer data) {
  Identity *identity = data;
  g_free(identity->groups);
  g_free(identity->branch);
  g_free(identity->program);
}

void identity_unref(Identity *identity) {
  if (identity != NULL)
    g_atomic_rc_box_release_full(identity, identity_clear);
}

static gboolean identity_has_group(const Identity *identity, guint32 group) {
  for (guint i = 0; i < identity->n_groups; i++)
    if (identity->groups[i] == group)
      return TRUE;
  return FALSE;
}

/* ---- words ---- */

static const char *const level_names[] = {
    [ACCESS_NONE] = "none",
    [ACCESS_READ] = "read",
    [ACCESS_WRITE] = "write",
    [ACCESS_CONTROL] = "control",
};

static const char *const kind_prefixes[] = {
    [PRINCIPAL_EVERYONE] = "everyone",
    [PRINCIPAL_USER] = "user:",
    [PRINCIPAL_GROUP] = "group:",
};

const char *access_level_get_name(AccessLevel level) {
  return level_names[level];
}

static gboolean parse_level(const char *word, AccessLevel *level) {
  for (guint i = 0; i < G_N_ELEMENTS(level_names); i++) {
    if (strcmp(word, level_names[i]) != 0)
      continue;
    *level = (AccessLevel)i;
    return TRUE;
  }
  return FALSE;
}

/* Splits "user:alice" into its kind and, borrowed, what follows. */
static gboolean principal_split(const char *principal, PrincipalKind *kind, const char **name) {
  if (strcmp(principal, kind_prefixes[PRINCIPAL_EVERYONE]) == 0) {
    *kind = PRINCIPAL_EVERYONE;
    *name = "";
    return TRUE;
  }
  for (guint i = PRINCIPAL_USER; i < G_N_ELEMENTS(kind_prefixes); i++) {
    gsize length = strlen(kind_prefixes[i]);
    if (strncmp(principal, kind_prefixes[i], length) != 0 || principal[length] == '\0')
      continue;
    *kind = (PrincipalKind)i;
    *name = principal + length;
    return TRUE;
  }
  return FALSE;
}

/* Control characters would break the line of text, and a terminal. */
static gboolean principal_is_clean(const char *principal) {
  gsize length = strlen(principal);
  if (length > LIMIT_PRINCIPAL_BYTES || !g_utf8_validate(principal, (gssize)length, NULL))
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if ((guchar)principal[i] < 0x20 || principal[i] == 0x7f)
      return FALSE;
  return TRUE;
}

static gboolean parse_id(const char *text, guint32 *id) {
  guint64 number;
  if (!g_ascii_string_to_unsigned(text, 10, 0, ACCESS_NOBODY - 1, &number, NULL))
    return FALSE;
  *id = (guint32)number;
  return TRUE;
}

/* ---- names to ids ---- */

/* Calls @look with growing buffers until the answer fits. */
static gboolean look_up(int (*look)(const char *, char *, gsize, guint32 *), const char *name,
                        guint32 *id) {
  for (gsize size = NSS_BUFFER_FIRST; size <= NSS_BUFFER_LAST; size *= 4) {
    g_autofree char *buffer = g_malloc(size);
    int status = look(name, buffer, size, id);
    if (status != ERANGE)
      return status == 0;
  }
  return FALSE;
}

static int look_user(const char *name, char *buffer, gsize size, guint32 *id) {
  struct passwd entry;
  struct passwd *found = NULL;
  int status = getpwnam_r(name, &entry, buffer, size, &found);
  if (status != 0 || found == NULL)
    return status != 0 ? status : ENOENT;
  *id = found->pw_uid;
  return 0;
}

static int look_group(const char *name, char *buffer, gsize size, guint32 *id) {
  struct group entry;
  struct group *found = NULL;
  int status = getgrnam_r(name, &entry, buffer, size, &found);
  if (status != 0 || found == NULL)
    return status != 0 ? status : ENOENT;
  *id = found->gr_gid;
  return 0;
}

gboolean access_resolve_with_nss(PrincipalKind kind, const char *name, guint32 *id) {
  if (kind == PRINCIPAL_EVERYONE)
    return FALSE;
  return look_up(kind == PRINCIPAL_USER ? look_user : look_group, name, id);
}

char *access_dup_user_name(guint32 uid) {
  struct passwd entry;
  struct passwd *found = NULL;
  g_autofree char *buffer = g_malloc(NSS_BUFFER_LAST);
  if (getpwuid_r(uid, &entry, buffer, NSS_BUFFER_LAST, &found) != 0 || found == NULL)
    return NULL;
  return g_strdup(found->pw_name);
}

/* The groups of a user by NSS, their own among them; none if there is no such user. */
static GArray *list_groups(guint32 uid) {
  GArray *groups = g_array_new(FALSE, FALSE, sizeof(gid_t));
  struct passwd entry;
  struct passwd *found = NULL;
  int count = 0;
  g_autofree char *buffer = g_malloc(NSS_BUFFER_LAST);
  if (getpwuid_r(uid, &entry, buffer, NSS_BUFFER_LAST, &found) != 0 || found == NULL)
    return groups;
  /* The first call tells how many there are. */
  (void)getgrouplist(found->pw_name, found->pw_gid, NULL, &count);
  g_array_set_size(groups, (guint)MAX(count, 0));
  if (getgrouplist(found->pw_name, found->pw_gid, (gid_t *)(gpointer)groups->data, &count) < 0)
    count = 0;
  g_array_set_size(groups, (guint)MIN((guint)MAX(count, 0), groups->len));
  return groups;
}

Identity *access_new_stand_in(PrincipalKind kind, guint32 id, gboolean administrator) {
  G_STATIC_ASSERT(sizeof(gid_t) == sizeof(guint32));
  if (kind == PRINCIPAL_GROUP)
    return identity_new(ACCESS_NOBODY, FALSE, &id, 1, 0, NULL);
  if (kind == PRINCIPAL_EVERYONE)
    return identity_new(ACCESS_NOBODY, FALSE, NULL, 0, 0, NULL);
  g_autoptr(GArray) groups = list_groups(id);
  return identity_new(id, administrator, (const guint32 *)(gpointer)groups->data, groups->len, 0,
                      NULL);
}

/* ---- lists ---- */

Acl *acl_ref(Acl *acl) {
  return g_atomic_rc_box_acquire(acl);
}

static void acl_clear(gpointer data) {
  Acl *acl = data;
  for (guint i = 0; i < acl->n_entries; i++)
    g_free(acl->entries[i].principal);
  g_free(acl->entries);
}

void acl_unref(Acl *acl) {
  if (acl != NULL)
    g_atomic_rc_box_release_full(acl, acl_clear);
}

static Acl *acl_new_empty(guint capacity) {
  Acl *acl = g_atomic_rc_box_new0(Acl);
  acl->entries = g_new0(AclEntry, capacity);
  return acl;
}

static const AclEntry *acl_find(const Acl *acl, PrincipalKind kind, guint32 id) {
  if (id == ACCESS_NOBODY)
    return NULL;
  for (guint i = 0; i < acl->n_entries; i++)
    if (acl->entries[i].kind == kind && acl->entries[i].id == id)
      return &acl->entries[i];
  return NULL;
}

/* Adds an entry whose principal is already known to be clean. */
static gboolean acl_add(Acl *acl, const AclEntry *entry, GError **error) {
  const AclEntry *twin = acl_find(acl, entry->kind, entry->id);
  if (twin != NULL)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "the principal '%s' is named twice (also as '%s'); name each once",
                     entry->principal, twin->principal);
  acl->entries[acl->n_entries] = *entry;
  acl->entries[acl->n_entries++].principal = g_strdup(entry->principal);
  return TRUE;
}

gboolean access_find_id(PrincipalKind kind, const char *name, PrincipalResolver resolver,
                        guint32 *id) {
  gboolean numeric = strspn(name, "0123456789") == strlen(name);
  return parse_id(name, id) || (!numeric && resolver != NULL && resolver(kind, name, id));
}

gboolean access_split_principal(const char *principal, PrincipalKind *kind, const char **name,
                                GError **error) {
  return (principal_is_clean(principal) && principal_split(principal, kind, name)) ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "'%.100s' is no principal: it is user:NAME-or-uid, group:NAME-or-gid or "
                   "everyone",
                   principal);
}

static gboolean resolve_principal(AclEntry *entry, const char *name, PrincipalResolver resolver,
                                  GError **error) {
  if (entry->kind == PRINCIPAL_EVERYONE)
    return TRUE;
  if (access_find_id(entry->kind, name, resolver, &entry->id))
    return TRUE;
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "there is no %s '%s' (principal '%s')",
                   entry->kind == PRINCIPAL_USER ? "user" : "group", name, entry->principal);
}

static gboolean read_text_entry(Acl *acl, const AclText *text, PrincipalResolver resolver,
                                GError **error) {
  AclEntry entry = {.principal = text->principal};
  const char *name = NULL;
  if (!access_split_principal(text->principal, &entry.kind, &name, error))
    return FALSE;
  if (!parse_level(text->level, &entry.level))
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "'%.100s' (for '%s') is no level: it is none, read, write or control",
                     text->level, text->principal);
  return resolve_principal(&entry, name, resolver, error) && acl_add(acl, &entry, error);
}

Acl *acl_new(const AclText *entries, guint n_entries, PrincipalResolver resolver, GError **error) {
  if (n_entries > LIMIT_ACL_ENTRIES) {
    error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED,
              "an access list of more than %u entries is too long", LIMIT_ACL_ENTRIES);
    return NULL;
  }
  g_autoptr(Acl) acl = acl_new_empty(n_entries);
  for (guint i = 0; i < n_entries; i++)
    if (!read_text_entry(acl, &entries[i], resolver, error))
      return NULL;
  return g_steal_pointer(&acl);
}

const AclEntry *acl_get_entries(const Acl *acl, guint *n_entries) {
  *n_entries = acl->n_entries;
  return acl->entries;
}

/* ---- text form: "1000 read user:alice<TAB>- read user:unknown<TAB>0 none everyone" ---- */

#define UNKNOWN "-"

char *acl_encode(const Acl *acl) {
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < acl->n_entries; i++) {
    const AclEntry *entry = &acl->entries[i];
    g_autofree char *id = g_strdup_printf("%u", entry->id);
    g_string_append_printf(text, "%s%s %s %s", i > 0 ? "\t" : "",
                           entry->id != ACCESS_NOBODY ? id : UNKNOWN,
                           access_level_get_name(entry->level), entry->principal);
  }
  return g_string_free(text, FALSE);
}

static gboolean decode_id(const char *text, guint32 *id) {
  *id = ACCESS_NOBODY;
  return strcmp(text, UNKNOWN) == 0 || parse_id(text, id);
}

static gboolean decode_entry(Acl *acl, const char *text) {
  g_auto(GStrv) fields = g_strsplit(text, " ", 3);
  AclEntry entry = {0};
  const char *name;
  if (g_strv_length(fields) != 3)
    return FALSE;
  entry.principal = fields[2];
  return decode_id(fields[0], &entry.id) && parse_level(fields[1], &entry.level) &&
         principal_is_clean(fields[2]) && principal_split(fields[2], &entry.kind, &name) &&
         acl_add(acl, &entry, NULL);
}

Acl *acl_decode(const char *text, GError **error) {
  g_auto(GStrv) entries = g_strsplit(text, "\t", -1);
  guint n_entries = g_strv_length(entries);
  g_autoptr(Acl) acl = acl_new_empty(n_entries);
  for (guint i = 0; i < n_entries; i++) {
    if (n_entries <= LIMIT_ACL_ENTRIES && decode_entry(acl, entries[i]))
      continue;
    error_set(error, REGISTRY_ERROR_STORAGE_FAILURE,
              "the stored access list is damaged at entry %u", i);
    return NULL;
  }
  return g_steal_pointer(&acl);
}

static gboolean entry_equal(const AclEntry *a, const AclEntry *b) {
  return a->kind == b->kind && a->id == b->id && a->level == b->level &&
         strcmp(a->principal, b->principal) == 0;
}

gboolean acl_equal(const Acl *a, const Acl *b) {
  if (a == NULL || b == NULL || a == b)
    return a == b;
  if (a->n_entries != b->n_entries)
    return FALSE;
  for (guint i = 0; i < a->n_entries; i++)
    if (!entry_equal(&a->entries[i], &b->entries[i]))
      return FALSE;
  return TRUE;
}

/* ---- the decision ---- */

/* Whether an entry names @identity or one of its groups; then these entries decide. */
static gboolean decide_by_name(const Acl *acl, const Identity *identity, AccessLevel *level) {
  const AclEntry *own = acl_find(acl, PRINCIPAL_USER, identity->uid);
  if (own != NULL) {
    *level = own->level;
    return TRUE;
  }
  gboolean decided = FALSE;
  *level = ACCESS_NONE;
  for (guint i = 0; i < acl->n_entries; i++) {
    const AclEntry *entry = &acl->entries[i];
    if (entry->kind != PRINCIPAL_GROUP || !identity_has_group(identity, entry->id))
      continue;
    *level = MAX(*level, entry->level);
    decided = TRUE;
  }
  return decided;
}

gboolean access_owns(const Identity *identity, const char *path) {
  gsize length = strlen(identity->branch);
  return identity->uid != ACCESS_NOBODY && strncmp(path, identity->branch, length) == 0 &&
         (path[length] == '\\' || path[length] == '\0');
}

static gboolean has_control(const Identity *identity, const char *path) {
  return identity->administrator || access_owns(identity, path);
}

AccessLevel acl_get_secret_level(const Acl *acl, const char *path, const Identity *identity) {
  AccessLevel level = ACCESS_NONE;
  if (has_control(identity, path))
    return ACCESS_CONTROL;
  if (acl == NULL || !decide_by_name(acl, identity, &level))
    return ACCESS_NONE;
  return level;
}

AccessLevel acl_get_level(const Acl *acl, const char *path, const Identity *identity) {
  AccessLevel level = ACCESS_NONE;
  if (has_control(identity, path))
    return ACCESS_CONTROL;
  if (acl == NULL)
    return ACCESS_NONE;
  if (decide_by_name(acl, identity, &level))
    return level;
  const AclEntry *everyone = acl_find(acl, PRINCIPAL_EVERYONE, 0);
  return everyone != NULL ? everyone->level : ACCESS_NONE;
}
