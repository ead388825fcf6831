/* SPDX-License-Identifier: MIT */
/* user app-password: more passwords of a native account, each for a device or a program. What
 * is made here is random, and is printed once. Works without mailauthd. */
#include "mailauth/mailauthctl/app-password-verb.h"

#include <string.h>
#include <sys/random.h>

#include "client/base/escape.h"
#include "client/base/path.h"
#include "mailauth/base/limits.h"
#include "mailauth/hashes/hash.h"
#include "mailauth/package/app-passwords.h"
#include "mailauth/settings/settings.h"

/* 32 letters and digits that are hard to take for another: 5 bits each. */
#define DIGITS "abcdefghijkmnpqrstuvwxyz23456789"
#define GROUPS 7
#define GROUP_DIGITS 4
#define RANDOM_BYTES (GROUPS * GROUP_DIGITS)
#define HOUR (3600 * G_TIME_SPAN_SECOND)

typedef struct {
  const char *account; /* in lower case */
  const char *label;   /* NULL: none is given */
  char *parent;        /* the key of all of them */
  char *key;
} Place;

static void place_clear(Place *place) {
  g_free(place->parent);
  g_free(place->key);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static void place_init(Place *place, const char *account, const char *label) {
  place->account = account;
  place->label = label;
  place->parent = g_strconcat(ACCOUNTS_PATH "\\", account, "\\" APP_PASSWORDS_KEY, NULL);
  place->key = label != NULL ? g_strconcat(place->parent, "\\", label, NULL) : NULL;
}

/* ---- what is set ---- */

/* "90d", "12h"; FALSE: it is no such time. */
static gboolean read_span(const char *text, gint64 *when) {
  char *end = NULL;
  guint64 number = g_ascii_isdigit(*text) ? g_ascii_strtoull(text, &end, 10) : 0;
  gint64 unit = end == NULL             ? 0
                : g_str_equal(end, "d") ? 24 * HOUR
                : g_str_equal(end, "h") ? HOUR
                                        : 0;
  if (unit == 0 || number == 0 || number > 100000)
    return FALSE;
  *when = g_get_real_time() + (gint64)number * unit;
  return TRUE;
}

/* "2027-01-31": the end of that day; or a time of ISO 8601; local if it tells no zone. */
static gboolean read_date(const char *text, gint64 *when) {
  g_autoptr(GTimeZone) zone = g_time_zone_new_local();
  gboolean is_day = strchr(text, 'T') == NULL;
  g_autofree char *whole = is_day ? g_strconcat(text, "T00:00:00", NULL) : g_strdup(text);
  g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(whole, zone);
  g_autoptr(GDateTime) end = time == NULL ? NULL : g_date_time_add_days(time, is_day ? 1 : 0);
  if (end == NULL)
    return FALSE;
  *when = g_date_time_to_unix(end) * G_TIME_SPAN_SECOND;
  return TRUE;
}

/* As the value has it: µs since 1970. */
static gboolean read_number(const char *text, gint64 *when) {
  guint64 number = 0;
  if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, &number, NULL))
    return FALSE;
  *when = (gint64)number;
  return TRUE;
}

static RegistryValue *make_expires(const char *text, GError **error) {
  gint64 when = 0;
  if (!read_span(text, &when) && !read_number(text, &when) && !read_date(text, &when)) {
    error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
              "--expires=%s: not a span (90d, 12h), a day (2027-01-31) or a time "
              "(2027-01-31T12:00:00Z)",
              text);
    return NULL;
  }
  if (when > g_get_real_time())
    return registry_value_new_uint64((guint64)when);
  error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS, "--expires=%s: that has passed already", text);
  return NULL;
}

static RegistryValue *make_protocols(const char *text, GError **error) {
  g_autofree char *lower = g_ascii_strdown(text, -1);
  g_auto(GStrv) protocols = g_strsplit(lower, ",", -1);
  for (char **each = protocols; *each != NULL || each == protocols; each++)
    if (*each == NULL || **each == '\0' ||
        strspn(*each, "abcdefghijklmnopqrstuvwxyz0123456789-_") != strlen(*each)) {
      error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                "--protocols=%s: not a list of imap, pop3 and smtp, with commas in between", text);
      return NULL;
    }
  return registry_value_new_strings((const char *const *)protocols, error);
}

/* What history keeps with the revision. */
static char *get_comment(const Ctl *ctl, const Place *place, const char *verb) {
  return ctl->comment != NULL ? g_strdup(ctl->comment)
                              : g_strdup_printf("mailauthctl user app-password %s %s %s",
                                                place->account, verb, place->label);
}

/* ---- add ---- */

/* 140 random bits. */
static gboolean make_password(Secret *password, GError **error) {
  guint8 bytes[RANDOM_BYTES];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
    return error_set(error, REGISTRY_ERROR_FAILED, "no random bytes can be had from the system");
  for (guint i = 0; i < RANDOM_BYTES; i++) {
    if (i > 0 && i % GROUP_DIGITS == 0)
      secret_append(password, "-", 1);
    secret_append(password, &DIGITS[bytes[i] % strlen(DIGITS)], 1);
  }
  explicit_bzero(bytes, sizeof bytes);
  return TRUE;
}

static gboolean set_limits(const Ctl *ctl, RegistryTransaction *transaction, const Place *place,
                           GError **error) {
  g_autoptr(RegistryValue) protocols = NULL;
  g_autoptr(RegistryValue) expires = NULL;
  if (ctl->protocols != NULL && (protocols = make_protocols(ctl->protocols, error)) == NULL)
    return FALSE;
  if (ctl->expires != NULL && (expires = make_expires(ctl->expires, error)) == NULL)
    return FALSE;
  if (protocols != NULL)
    registry_transaction_set_value(transaction, place->key, "Protocols", protocols);
  if (expires != NULL)
    registry_transaction_set_value(transaction, place->key, "Expires", expires);
  return TRUE;
}

static gboolean commit_new(Ctl *ctl, const Place *place, const Secret *password, GError **error) {
  g_autofree char *comment = get_comment(ctl, place, "add");
  g_autoptr(RegistryTransaction) transaction = registry_transaction_new(comment);
  g_autofree char *hash = hash_new_of_random(secret_get_text(password), password->size, error);
  g_autoptr(RegistryValue) value =
      hash != NULL ? registry_value_new_string(REGISTRY_SZ, hash, error) : NULL;
  if (value == NULL)
    return FALSE;
  registry_transaction_expect_absent(transaction, place->key, "Password");
  registry_transaction_create_key(transaction, place->key);
  registry_transaction_set_value(transaction, place->key, "Password", value);
  return set_limits(ctl, transaction, place, error) &&
         registry_transaction_commit(ctl_connect(ctl, error), transaction, NULL, error);
}

/* That there is none of that label yet, and room for one. */
static gboolean need_room(Ctl *ctl, const Place *place, GError **error) {
  if (!ctl_need_account(ctl, place->account, error))
    return FALSE;
  g_auto(GStrv) labels = registry_list_keys(ctl->connection, place->parent, NULL);
  for (char **label = labels; label != NULL && *label != NULL; label++)
    if (path_equal_names(*label, place->label))
      return error_set(error, REGISTRY_ERROR_KEY_EXISTS,
                       "%s: the account has an app password of that label already", *label);
  return labels == NULL || g_strv_length(labels) < MAX_APP_PASSWORDS ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "%s: the account has %d app passwords already; remove one first", place->account,
                   MAX_APP_PASSWORDS);
}

static void print_password(Ctl *ctl, const Place *place, const char *password) {
  if (!ctl->json) {
    g_string_append_printf(ctl_out(ctl), "%s\n", password);
    return;
  }
  json_begin(&ctl->output, '{');
  json_member_string(&ctl->output, "user", place->account);
  json_member_string(&ctl->output, "label", place->label);
  json_member_string(&ctl->output, "password", password);
  json_end(&ctl->output, '}');
  g_string_append_c(ctl_out(ctl), '\n');
}

static gboolean add(Ctl *ctl, const Place *place, GError **error) {
  g_auto(Secret) password = {0};
  if (!need_room(ctl, place, error) || !make_password(&password, error) ||
      !commit_new(ctl, place, &password, error))
    return FALSE;
  print_password(ctl, place, secret_get_text(&password));
  return TRUE;
}

/* ---- remove ---- */

static gboolean remove_one(Ctl *ctl, const Place *place, GError **error) {
  g_autofree char *comment = get_comment(ctl, place, "remove");
  g_autofree char *what =
      g_strdup_printf("%s: the account has no app password of that label", place->label);
  g_autoptr(RegistryTransaction) transaction = registry_transaction_new(comment);
  if (!ctl_need_account(ctl, place->account, error) || !ctl_need_key(ctl, place->key, what, error))
    return FALSE;
  registry_transaction_delete_tree(transaction, place->key);
  return registry_transaction_commit(ctl_connect(ctl, error), transaction, NULL, error);
}

/* ---- list ---- */

static void show_json(Ctl *ctl, const AppPassword *app) {
  json_begin(&ctl->output, '{');
  json_member_string(&ctl->output, "label", app->label);
  json_name(&ctl->output, "protocols");
  json_begin(&ctl->output, '[');
  for (char **each = app->protocols; each != NULL && *each != NULL; each++)
    json_string(&ctl->output, *each);
  json_end(&ctl->output, ']');
  json_name(&ctl->output, "expires");
  if (app->expires == G_MAXUINT64)
    json_null(&ctl->output);
  else
    json_number(&ctl->output, app->expires);
  if (app->fault != NULL)
    json_member_string(&ctl->output, "problem", app->fault);
  json_end(&ctl->output, '}');
}

static void show_expires(GString *out, guint64 expires) {
  gboolean over = expires <= (guint64)g_get_real_time();
  g_autofree char *date = ctl_dup_time((gint64)MIN(expires, (guint64)G_MAXINT64));
  if (expires != G_MAXUINT64)
    g_string_append_printf(out, ", %s %s", over ? "expired" : "expires", date);
}

static void show(Ctl *ctl, const AppPassword *app) {
  if (ctl->json) {
    show_json(ctl, app);
    return;
  }
  gboolean is_limited = app->protocols != NULL && *app->protocols != NULL;
  g_autofree char *protocols =
      is_limited ? g_strjoinv(", ", app->protocols) : g_strdup("all protocols");
  escape_append(ctl_out(ctl), app->label);
  g_string_append(ctl_out(ctl), ": ");
  escape_append(ctl_out(ctl), protocols);
  show_expires(ctl_out(ctl), app->expires);
  if (app->fault != NULL)
    g_string_append_printf(ctl_out(ctl), ", %s", app->fault);
  g_string_append_c(ctl_out(ctl), '\n');
}

static void list_one(Ctl *ctl, const char *parent, char *label) {
  g_autofree char *key = g_strconcat(parent, "\\", label, NULL);
  g_autoptr(RegistryValue) protocols = registry_get_value(ctl->connection, key, "Protocols", NULL);
  g_autoptr(RegistryValue) expires = registry_get_value(ctl->connection, key, "Expires", NULL);
  AppPassword app = {.label = label};
  app_password_take_limits(&app, protocols, expires);
  show(ctl, &app);
  g_strfreev(app.protocols);
}

static gboolean list(Ctl *ctl, const Place *place, GError **error) {
  g_autoptr(GError) problem = NULL;
  if (!ctl_need_account(ctl, place->account, error))
    return FALSE;
  g_auto(GStrv) labels = registry_list_keys(ctl->connection, place->parent, &problem);
  if (labels == NULL && !g_error_matches(problem, REGISTRY_ERROR, REGISTRY_ERROR_KEY_NOT_FOUND)) {
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
  }
  if (ctl->json)
    json_begin(&ctl->output, '[');
  for (char **label = labels; label != NULL && *label != NULL; label++)
    list_one(ctl, place->parent, *label);
  if (ctl->json) {
    json_end(&ctl->output, ']');
    g_string_append_c(ctl_out(ctl), '\n');
  }
  return TRUE;
}

/* ---- the verb ---- */

static gboolean check_label(const char *label, GError **error) {
  if (*label != '\0' && strlen(label) <= MAX_LABEL && strchr(label, '\\') == NULL &&
      g_utf8_validate(label, -1, NULL))
    return TRUE;
  g_autofree char *shown = g_utf8_make_valid(label, -1);
  return error_set(error, REGISTRY_ERROR_INVALID_VALUE,
                   "'%s' can't be a label: 1 to %d bytes without '\\'", shown, MAX_LABEL);
}

gboolean app_password_run(Ctl *ctl, GError **error) {
  static const struct {
    const char *name;
    gboolean has_label;
    gboolean (*run)(Ctl *ctl, const Place *place, GError **error);
  } verbs[] = {{"add", TRUE, add}, {"remove", TRUE, remove_one}, {"list", FALSE, list}};
  const char *name = ctl_get_operand(ctl, 2);
  const char *label = ctl_get_operand(ctl, 3);
  guint verb = 0;
  while (verb < G_N_ELEMENTS(verbs) && g_strcmp0(verbs[verb].name, name) != 0)
    verb++;
  if (verb == G_N_ELEMENTS(verbs) || verbs[verb].has_label != (label != NULL))
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "app-password takes NAME and add LABEL, remove LABEL or list");
  if ((ctl->protocols != NULL || ctl->expires != NULL) && verb != 0)
    return error_set(error, REGISTRY_ERROR_INVALID_ARGUMENTS,
                     "--protocols and --expires go with app-password NAME add LABEL only");
  g_autofree char *account = ctl_get_account(ctl_get_operand(ctl, 1), error);
  if (account == NULL || (label != NULL && !check_label(label, error)))
    return FALSE;
  g_auto(Place) place = {0};
  place_init(&place, account, label);
  return verbs[verb].run(ctl, &place, error);
}
