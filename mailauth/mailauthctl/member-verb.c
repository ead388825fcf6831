/* SPDX-License-Identifier: MIT */
/* member: the embedded membership, the file that a broker's `Database` names
 * (mailauth/package/membership.h says what is in it). Works without mailauthd. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mailauth/mailauthctl/accounts.h"
#include "mailauth/package/membership.h"
#include "mailauth/settings/settings.h"

#define BUSY_MS 10000

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3, sqlite3_close_v2)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)

/* ---- statements ---- */

static gboolean fail(sqlite3 *database, GError **error) {
  return error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", sqlite3_db_filename(database, "main"),
                   sqlite3_errmsg(database));
}

/* Runs @query with one or two texts (NULL: none). *@changed may be NULL. */
static gboolean run(sqlite3 *database, const char *query, const char *first, const char *second,
                    int *changed, GError **error) {
  g_autoptr(sqlite3_stmt) statement = NULL;
  int code = sqlite3_prepare_v2(database, query, -1, &statement, NULL);
  if (code == SQLITE_OK && first != NULL)
    code = sqlite3_bind_text(statement, 1, first, -1, SQLITE_STATIC);
  if (code == SQLITE_OK && second != NULL)
    code = sqlite3_bind_text(statement, 2, second, -1, SQLITE_STATIC);
  while (code == SQLITE_OK || code == SQLITE_ROW)
    code = sqlite3_step(statement);
  if (code != SQLITE_DONE)
    return fail(database, error);
  if (changed != NULL)
    *changed = sqlite3_changes(database);
  return TRUE;
}

static gboolean run_on_one(sqlite3 *database, const char *query, const char *account,
                           const char *second, GError **error) {
  int changed = 0;
  if (!run(database, query, account, second, &changed, error))
    return FALSE;
  return changed == 1 ||
         error_set(error, REGISTRY_ERROR_KEY_NOT_FOUND, "%s: there is no such member", account);
}

static gboolean add(gpointer where, const char *account, const PasswordProofs *proofs,
                    GError **error) {
  int changed = 0;
  if (!run(where, "INSERT INTO members (name, password) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
           account, proofs->hash, &changed, error))
    return FALSE;
  return changed == 1 ||
         error_set(error, REGISTRY_ERROR_KEY_EXISTS, "%s: the member is there already", account);
}

static gboolean set_password(gpointer where, const char *account, const PasswordProofs *proofs,
                             GError **error) {
  return run_on_one(where, "UPDATE members SET password = ?2 WHERE name = ?1", account,
                    proofs->hash, error);
}

static gboolean set_disabled(gpointer where, const char *account, gboolean disabled,
                             GError **error) {
  return run_on_one(where,
                    disabled ? "UPDATE members SET disabled = 1 WHERE name = ?1"
                             : "UPDATE members SET disabled = 0 WHERE name = ?1",
                    account, NULL, error);
}

static gboolean remove_member(gpointer where, const char *account, GError **error) {
  return run_on_one(where, "DELETE FROM members WHERE name = ?1", account, NULL, error);
}

static gboolean list(gpointer where, Ctl *ctl, GError **error) {
  g_autoptr(sqlite3_stmt) statement = NULL;
  int code = sqlite3_prepare_v2(where, "SELECT name, disabled FROM members ORDER BY name", -1,
                                &statement, NULL);
  while (code == SQLITE_OK || code == SQLITE_ROW) {
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
      accounts_show(ctl, (const char *)sqlite3_column_text(statement, 0),
                    sqlite3_column_int(statement, 1) != 0);
  }
  return code == SQLITE_DONE || fail(where, error);
}

/* ---- the file ---- */

/* The user whose file it is to be; FALSE if there is no such user. */
static gboolean find_owner(const char *name, uid_t *uid, gid_t *gid) {
  guint64 number = 0;
  const struct passwd *entry =
      g_ascii_string_to_unsigned(name, 10, 0, G_MAXUINT32 - 1, &number, NULL)
          ? getpwuid((uid_t)number)
          : getpwnam(name);
  if (entry == NULL)
    return FALSE;
  *uid = entry->pw_uid;
  *gid = entry->pw_gid;
  return TRUE;
}

/* Makes the file, of mode 0600 and, if root makes it, for the service's user. */
static gboolean make_file(Ctl *ctl, const char *path, GError **error) {
  uid_t uid = getuid();
  gid_t gid = getgid();
  int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0 && errno == EEXIST)
    return TRUE;
  if (descriptor < 0)
    return error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", path, g_strerror(errno));
  g_autofree char *owner =
      ctl_get_setting(ctl, settings_get_path(SETTINGS_SERVICE), "ObjectName", "mailauth", error);
  gboolean made = owner != NULL;
  if (made && geteuid() == 0 && find_owner(owner, &uid, &gid))
    made = fchown(descriptor, uid, gid) == 0 ||
           error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", path, g_strerror(errno));
  else if (made && geteuid() == 0)
    ctl_note("%s: it is root's, as there is no user '%s' yet", path, owner);
  close(descriptor);
  if (!made)
    unlink(path);
  return made;
}

static gboolean read_version(sqlite3 *database, int *version, GError **error) {
  g_autoptr(sqlite3_stmt) statement = NULL;
  if (sqlite3_prepare_v2(database, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK ||
      sqlite3_step(statement) != SQLITE_ROW)
    return fail(database, error);
  *version = sqlite3_column_int(statement, 0);
  return TRUE;
}

static gboolean make_table(sqlite3 *database, GError **error) {
  int version = 0;
  if (!read_version(database, &version, error))
    return FALSE;
  if (version == MEMBERSHIP_VERSION)
    return TRUE;
  if (version != 0)
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%s: version %d of a membership is not known here",
                     sqlite3_db_filename(database, "main"), version);
  return run(database, "BEGIN IMMEDIATE", NULL, NULL, NULL, error) &&
         run(database, MEMBERSHIP_TABLE, NULL, NULL, NULL, error) &&
         run(database, "PRAGMA user_version = " G_STRINGIFY(MEMBERSHIP_VERSION), NULL, NULL, NULL,
             error) &&
         run(database, "COMMIT", NULL, NULL, NULL, error);
}

static sqlite3 *open_file(const char *path, GError **error) {
  g_autoptr(sqlite3) database = NULL;
  int code = sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL);
  if (code != SQLITE_OK) {
    error_set(error, REGISTRY_ERROR_FAILED, "%s: %s", path,
              database != NULL ? sqlite3_errmsg(database) : sqlite3_errstr(code));
    return NULL;
  }
  sqlite3_busy_timeout(database, BUSY_MS);
  return make_table(database, error) ? g_steal_pointer(&database) : NULL;
}

/* The file of the broker's, from the registry. */
static char *get_path(Ctl *ctl, GError **error) {
  if (ctl->broker == NULL || *ctl->broker == '\0' ||
      strspn(ctl->broker, "0123456789") != strlen(ctl->broker)) {
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
              "--broker=ID is missing: the digits of an instance's ID");
    return NULL;
  }
  g_autofree char *key =
      g_strdup_printf("%s\\%s", settings_get_path(SETTINGS_BROKERS), ctl->broker);
  g_autofree char *type = ctl_get_setting(ctl, key, "Type", NULL, error);
  if (type == NULL)
    return NULL;
  if (!g_str_equal(type, "sqlite")) {
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s, Type: members are kept for 'sqlite' only",
              key);
    return NULL;
  }
  g_autofree char *path = ctl_get_setting(ctl, key, "Database", NULL, error);
  if (path == NULL || *path == '/')
    return g_steal_pointer(&path);
  error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s, Database: '%s' is not an absolute path", key,
            path);
  return NULL;
}

gboolean verb_member(Ctl *ctl, GError **error) {
  static const AccountsKind kind = {FALSE, add, set_password, set_disabled, remove_member, list};
  if (!accounts_check(ctl, error))
    return FALSE;
  g_autofree char *path = get_path(ctl, error);
  if (path == NULL)
    return FALSE;
  /* Only a first member makes the file. */
  if (g_str_equal(ctl_get_operand(ctl, 0), "add") && !make_file(ctl, path, error))
    return FALSE;
  if (access(path, F_OK) != 0)
    return error_set(error, REGISTRY_ERROR_KEY_NOT_FOUND, "%s: %s", path, g_strerror(errno));
  g_autoptr(sqlite3) database = open_file(path, error);
  return database != NULL && accounts_run(ctl, &kind, database, error);
}
