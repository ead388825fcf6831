/* SPDX-License-Identifier: MIT */
/* repair: what article Q255269 tells of, put right. The accounts' key is made if it is
 * missing, and the service's user is given its right to the accounts, to the keys that
 * hold secrets, and to the settings that it may not read. What is in order is not
 * touched. */
#include <pwd.h>
#include <string.h>

#include "client/bus/wire.h"
#include "client/cli/reply.h"
#include "client/connection/connection.h"
#include "mailauth/mailauthctl/decoy.h"
#include "mailauth/mailauthctl/repair-pam.h"
#include "mailauth/package/survey.h"
#include "mailauth/settings/settings.h"

#define SAM_PATH "HKEY_LOCAL_MACHINE\\SAM"
#define DEFAULT_USER "mailauth"

typedef struct {
  Ctl *ctl;
  char *principal; /* "user:mailauth"; NULL if there is nobody to give a right to */
  char *user;      /* "mailauth"; likewise */
  guint32 uid;
  GPtrArray *done; /* of char * */
} Repair;

typedef struct {
  char *principal, *level;
} Entry;

static void entry_free(gpointer data) {
  Entry *entry = data;
  g_free(entry->principal);
  g_free(entry->level);
  g_free(entry);
}

G_GNUC_PRINTF(2, 3)
static void say(const Repair *repair, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_ptr_array_add(repair->done, g_strdup_vprintf(format, arguments));
  va_end(arguments);
}

/* ---- access lists ---- */

/* The entries in force at @key, and where they stand. */
static GPtrArray *get_entries(Ctl *ctl, const char *key, char **origin, GError **error) {
  DBusMessage *call = connection_new_call("GetAcl");
  DBusMessageIter iter;
  DBusMessageIter rows;
  DBusMessageIter row;
  if (!dbus_message_append_args(call, DBUS_TYPE_STRING, &key, DBUS_TYPE_INVALID))
    g_error("out of memory");
  g_autoptr(WireMessage) reply = ctl_call(ctl, call, error);
  if (reply == NULL)
    return NULL;
  if (!dbus_message_has_signature(reply, "sa(ss)")) {
    error_set(error, REGISTRY_ERROR_FAILED, "regd's answer is not as it should be");
    return NULL;
  }
  GPtrArray *entries = g_ptr_array_new_with_free_func(entry_free);
  dbus_message_iter_init(reply, &iter);
  *origin = g_strdup(reply_take_string(&iter));
  for (dbus_message_iter_recurse(&iter, &rows);
       dbus_message_iter_get_arg_type(&rows) == DBUS_TYPE_STRUCT; dbus_message_iter_next(&rows)) {
    dbus_message_iter_recurse(&rows, &row);
    Entry *entry = g_new0(Entry, 1);
    entry->principal = g_strdup(reply_take_string(&row));
    entry->level = g_strdup(reply_take_string(&row));
    g_ptr_array_add(entries, entry);
  }
  return entries;
}

static gboolean append_entry(DBusMessageIter *array, const Entry *entry) {
  DBusMessageIter row;
  return dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &row) &&
         wire_append_string(&row, entry->principal) && wire_append_string(&row, entry->level) &&
         dbus_message_iter_close_container(array, &row);
}

static gboolean set_entries(Ctl *ctl, const char *key, const GPtrArray *entries, GError **error) {
  DBusMessage *call = connection_new_call("SetAcl");
  DBusMessageIter iter;
  DBusMessageIter array;
  dbus_message_iter_init_append(call, &iter);
  gboolean made = wire_append_string(&iter, key) &&
                  dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(ss)", &array);
  for (guint i = 0; made && i < entries->len; i++)
    made = append_entry(&array, entries->pdata[i]);
  if (!made || !dbus_message_iter_close_container(&iter, &array))
    g_error("out of memory");
  g_autoptr(WireMessage) reply = ctl_call(ctl, call, error);
  return reply != NULL;
}

static gboolean is_user(const Repair *repair, const char *principal) {
  g_autofree char *by_number = g_strdup_printf("user:%u", repair->uid);
  return g_str_equal(principal, repair->principal) || g_str_equal(principal, by_number);
}

/* Adds the right to read; FALSE if it is there already. */
static gboolean add_right(const Repair *repair, GPtrArray *entries) {
  for (guint i = 0; i < entries->len; i++) {
    Entry *entry = entries->pdata[i];
    if (!is_user(repair, entry->principal))
      continue;
    if (!g_str_equal(entry->level, "none"))
      return FALSE;
    g_free(entry->level);
    entry->level = g_strdup("read");
    return TRUE;
  }
  Entry *entry = g_new0(Entry, 1);
  *entry = (Entry){g_strdup(repair->principal), g_strdup("read")};
  g_ptr_array_add(entries, entry);
  return TRUE;
}

/* The right stands at the key that decides for @key, which is @key itself if @own says
 * that it is to have a list of its own. */
static gboolean give_right(const Repair *repair, const char *key, gboolean own, GError **error) {
  g_autofree char *origin = NULL;
  g_autoptr(GPtrArray) entries = get_entries(repair->ctl, key, &origin, error);
  if (entries == NULL)
    return FALSE;
  if (!add_right(repair, entries))
    return TRUE;
  const char *where = own ? key : origin;
  if (!set_entries(repair->ctl, where, entries, error))
    return FALSE;
  say(repair, "gave %s the right to read %s", repair->principal, where);
  return TRUE;
}

/* Whether the user may read what is no secret. The members of groups are not looked up:
 * a group that is barred may be theirs. */
static gboolean may_read(const Repair *repair, const GPtrArray *entries) {
  gboolean everyone = FALSE;
  gboolean barred = FALSE;
  for (guint i = 0; i < entries->len; i++) {
    const Entry *entry = entries->pdata[i];
    gboolean reads = !g_str_equal(entry->level, "none");
    if (is_user(repair, entry->principal))
      return reads;
    everyone |= reads && g_str_equal(entry->principal, "everyone");
    barred |= !reads && g_str_has_prefix(entry->principal, "group:");
  }
  return everyone && !barred;
}

/* For a key that holds no secrets, if it is there. */
static gboolean let_read(const Repair *repair, const char *key, GError **error) {
  g_autoptr(GError) problem = NULL;
  g_autofree char *origin = NULL;
  g_autoptr(GPtrArray) entries = get_entries(repair->ctl, key, &origin, &problem);
  if (entries != NULL)
    return may_read(repair, entries) || give_right(repair, key, TRUE, error);
  if (g_error_matches(problem, REGISTRY_ERROR, REGISTRY_ERROR_KEY_NOT_FOUND))
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&problem));
  return FALSE;
}

/* ---- the steps ---- */

/* Whose right it is. A default user that is not there is no fault: mailauthd may
 * run as the user that started it. */
static gboolean find_user(Repair *repair, GError **error) {
  const char *key = settings_get_path(SETTINGS_SERVICE);
  g_autofree char *name = ctl_get_setting(repair->ctl, key, "ObjectName", "", error);
  if (name == NULL)
    return FALSE;
  const char *user = *name == '\0' ? DEFAULT_USER : name;
  guint64 number = 0;
  const struct passwd *entry =
      g_ascii_string_to_unsigned(user, 10, 0, G_MAXUINT32 - 1, &number, NULL)
          ? getpwuid((uid_t)number)
          : getpwnam(user);
  if (entry != NULL) {
    repair->uid = (guint32)entry->pw_uid;
    repair->principal = g_strconcat("user:", user, NULL);
    repair->user = g_strdup(entry->pw_name);
    return TRUE;
  }
  if (*name != '\0')
    return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                     "%s, ObjectName: there is no user '%s' on this system", key, name);
  ctl_note("there is no user '%s' on this system, so no right is given", user);
  return TRUE;
}

static gboolean make_key(const Repair *repair, const char *key, GError **error) {
  gboolean created = FALSE;
  RegistryConnection *connection = ctl_connect(repair->ctl, error);
  if (connection == NULL || !registry_create_key(connection, key, NULL, &created, error))
    return FALSE;
  if (created)
    say(repair, "made the key %s", key);
  return TRUE;
}

static gboolean give_rights(const Repair *repair, GError **error) {
  static const SettingsKey secret[] = {SETTINGS_BROKERS, SETTINGS_POP3, SETTINGS_IMAP};
  g_autofree char *parameters =
      g_strconcat(settings_get_path(SETTINGS_SERVICE), "\\Parameters", NULL);
  const char *const open[] = {settings_get_path(SETTINGS_STORE),
                              settings_get_path(SETTINGS_SERVICE), parameters};
  if (repair->principal == NULL)
    return TRUE;
  /* At the root of the accounts, so that a key that goes missing again is seen to be
   * missing; and at the accounts, if they have a list of their own. */
  if (!give_right(repair, SAM_PATH, TRUE, error) ||
      !give_right(repair, ACCOUNTS_PATH, FALSE, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS(secret); i++)
    if (!make_key(repair, settings_get_path(secret[i]), error) ||
        !give_right(repair, settings_get_path(secret[i]), TRUE, error))
      return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS(open); i++)
    if (!let_read(repair, open[i], error))
      return FALSE;
  return TRUE;
}

/* After the rights: nobody else may read it. */
static gboolean make_decoy(const Repair *repair, GError **error) {
  gboolean made = FALSE;
  g_autoptr(RegistryTransaction) transaction = registry_transaction_new("mailauthctl repair");
  if (!decoy_add(repair->ctl, transaction, &made, error))
    return FALSE;
  if (!made)
    return TRUE;
  RegistryConnection *connection = ctl_connect(repair->ctl, error);
  if (connection == NULL || !registry_transaction_commit(connection, transaction, NULL, error))
    return FALSE;
  say(repair, "made the value '%s' of %s", DECOY_KEY_VALUE, ACCOUNTS_PATH);
  return TRUE;
}

/* Whether the registry never had accounts: their key is not there, and no user was ever
 * given a right to it. If a user has the right and the key is gone, that is the fault
 * that the article describes, and mailauthd reports it. An administrator who took the
 * right away meant to. */
static gboolean is_first(const Repair *repair, gboolean *first, GError **error) {
  g_autoptr(GError) problem = NULL;
  g_autofree char *origin = NULL;
  g_autofree char *accounts_origin = NULL;
  g_autoptr(GPtrArray) accounts =
      get_entries(repair->ctl, ACCOUNTS_PATH, &accounts_origin, &problem);
  *first = accounts == NULL;
  if (accounts != NULL)
    return TRUE;
  if (!g_error_matches(problem, REGISTRY_ERROR, REGISTRY_ERROR_KEY_NOT_FOUND)) {
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
  }
  g_autoptr(GPtrArray) entries = get_entries(repair->ctl, SAM_PATH, &origin, error);
  for (guint i = 0; entries != NULL && i < entries->len; i++)
    *first &= g_str_equal(((const Entry *)entries->pdata[i])->level, "none");
  return entries != NULL;
}

/* The right that pam_unix needs is given on demand only: it is more than mail's. */
static gboolean look_at_pam(const Repair *repair, GError **error) {
  if (repair->user == NULL)
    return TRUE;
  if (repair->ctl->pam)
    return repair_pam_grant(repair->user, repair->done, error);
  g_autofree char *problem = repair_pam_find_problem(repair->ctl, repair->user);
  if (problem != NULL)
    ctl_note("%s", problem);
  return TRUE;
}

static void print_done(const Repair *repair) {
  Ctl *ctl = repair->ctl;
  if (ctl->json) {
    json_begin(&ctl->output, '{');
    json_name(&ctl->output, "done");
    json_begin(&ctl->output, '[');
    for (guint i = 0; i < repair->done->len; i++)
      json_string(&ctl->output, repair->done->pdata[i]);
    json_end(&ctl->output, ']');
    json_end(&ctl->output, '}');
    g_string_append_c(ctl_out(ctl), '\n');
    return;
  }
  for (guint i = 0; i < repair->done->len; i++)
    g_string_append_printf(ctl_out(ctl), "%s\n", (const char *)repair->done->pdata[i]);
  if (repair->done->len == 0 && !ctl->first)
    g_string_append(ctl_out(ctl), "nothing had to be put right\n");
}

gboolean verb_repair(Ctl *ctl, GError **error) {
  if (ctl->first && ctl->pam)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "repair: --first does nothing where accounts are kept, and --pam is to be "
                     "done: give one of them");
  g_autoptr(GPtrArray) done = g_ptr_array_new_with_free_func(g_free);
  Repair repair = {.ctl = ctl, .done = done};
  gboolean wanted = TRUE;
  if (ctl->first && !is_first(&repair, &wanted, error))
    return FALSE;
  gboolean repaired =
      !wanted ||
      (find_user(&repair, error) && make_key(&repair, ACCOUNTS_PATH, error) &&
       give_rights(&repair, error) && make_decoy(&repair, error) && look_at_pam(&repair, error));
  if (repaired || done->len > 0)
    print_done(&repair);
  g_free(repair.principal);
  g_free(repair.user);
  return repaired;
}
