/* SPDX-License-Identifier: MIT */
/* One run of mailauthctl: see ctl.h. */
#include "mailauth/mailauthctl/ctl.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "client/base/protocol.h"
#include "client/cli/output.h"
#include "client/connection/connection.h"
#include "mailauth/base/limits.h"
#include "mailauth/base/name.h"
#include "mailauth/settings/settings.h"

/* A test proves a password, which may have to wait for its turn. */
#define CALL_MS 60000

const char *ctl_get_operand(const Ctl *ctl, guint index) {
  return index + 1 < ctl->n_operands ? ctl->operands[index + 1] : NULL;
}

const char *ctl_get_bus(const Ctl *ctl) {
  return ctl->bus != NULL ? ctl->bus : "system";
}

RegistryConnection *ctl_connect(Ctl *ctl, GError **error) {
  if (ctl->connection == NULL)
    ctl->connection = registry_connection_new(ctl_get_bus(ctl), NULL, error);
  return ctl->connection;
}

GString *ctl_out(Ctl *ctl) {
  return ctl->output.text;
}

gboolean ctl_flush(Ctl *ctl, GError **error) {
  return output_flush(ctl->output.text, error);
}

void ctl_note(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  output_say("mailauthctl", text);
}

/* ---- calls ---- */

DBusMessage *ctl_new_mailauth_call(const char *member) {
  DBusMessage *call = dbus_message_new_method_call(MAILAUTH_BUS_NAME, MAILAUTH_OBJECT_PATH,
                                                   MAILAUTH_INTERFACE, member);
  if (call == NULL)
    g_error("out of memory");
  return call;
}

static void name_unreachable(const Ctl *ctl, DBusMessage *call, GError **error) {
  gboolean is_mailauth = g_strcmp0(dbus_message_get_destination(call), MAILAUTH_BUS_NAME) == 0;
  if (!is_mailauth || error == NULL ||
      !g_error_matches(*error, REGISTRY_ERROR, REGISTRY_ERROR_UNREACHABLE))
    return;
  g_clear_error(error);
  error_set(error, REGISTRY_ERROR_UNREACHABLE, "mailauthd can't be reached on the %s bus",
            ctl_get_bus(ctl));
}

DBusMessage *ctl_call(Ctl *ctl, DBusMessage *call, GError **error) {
  RegistryConnection *connection = ctl_connect(ctl, error);
  DBusMessage *reply =
      connection == NULL ? NULL : connection_call(connection, call, CALL_MS, error);
  if (connection != NULL && reply == NULL)
    name_unreachable(ctl, call, error);
  dbus_message_unref(call);
  return reply;
}

/* ---- passwords ---- */

/* One line, without its end. */
static gboolean read_line(int descriptor, Secret *line, GError **error) {
  char byte = '\0';
  gssize size = 0;
  while ((size = read(descriptor, &byte, 1)) == 1 && byte != '\n') {
    secret_append(line, &byte, 1);
    if (line->size > MAX_PASSWORD)
      return error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the password is longer than %d bytes",
                       MAX_PASSWORD);
  }
  if (size < 0)
    return error_set(error, REGISTRY_ERROR_FAILED, "the password can't be read");
  if (line->size > 0 && line->bytes[line->size - 1] == '\r')
    line->bytes[--line->size] = '\0';
  return TRUE;
}

/* Only interrupts the reading, so that the terminal gets its echo back. */
static void on_signal(G_GNUC_UNUSED int number) {
}

static gboolean ask_once(const char *prompt, Secret *line, GError **error) {
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  const struct sigaction interrupt = {.sa_handler = on_signal};
  struct sigaction earlier[G_N_ELEMENTS(numbers)];
  struct termios before;
  if (tcgetattr(STDIN_FILENO, &before) != 0)
    return error_set(error, REGISTRY_ERROR_FAILED, "the terminal's echo can't be turned off");
  struct termios silent = before;
  silent.c_lflag &= ~(tcflag_t)ECHO;
  for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
    sigaction(numbers[i], &interrupt, &earlier[i]);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  /* Whatever is typed from here on is not seen. */
  (void)fprintf(stderr, "%s: ", prompt);
  gboolean read = read_line(STDIN_FILENO, line, error);
  tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
  for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
    sigaction(numbers[i], &earlier[i], NULL);
  (void)fputc('\n', stderr);
  return read;
}

gboolean ctl_ask_password(const char *user, gboolean fresh, Secret *password, GError **error) {
  g_auto(Secret) again = {0};
  if (!isatty(STDIN_FILENO))
    return read_line(STDIN_FILENO, password, error);
  g_autofree char *prompt = g_strdup_printf("%s for %s", fresh ? "New password" : "Password", user);
  if (!ask_once(prompt, password, error))
    return FALSE;
  if (!fresh)
    return TRUE;
  if (!ask_once("Again", &again, error))
    return FALSE;
  return secret_is_same(password, &again) ||
         error_set(error, REGISTRY_ERROR_INVALID_VALUE, "the two passwords differ");
}

/* ---- names and settings ---- */

char *ctl_get_account(const char *name, GError **error) {
  g_autofree char *account = name_get_account(name, NULL);
  if (account != NULL && account[0] != '.' && strchr(account, '/') == NULL)
    return g_steal_pointer(&account);
  g_autofree char *shown = g_utf8_make_valid(name, -1);
  error_set(error, REGISTRY_ERROR_INVALID_VALUE,
            "'%s' can't be a user's name: 1 to 255 bytes without control characters, '\\' and '/', "
            "not beginning with '.'",
            shown);
  return NULL;
}

/* As name_get_account() takes them; NULL if they are not set, or can't be read. */
static char **get_domains(Ctl *ctl) {
  g_autofree char *key = g_strconcat(settings_get_path(SETTINGS_SERVICE), "\\Parameters", NULL);
  const char *wrong = NULL;
  RegistryConnection *connection = ctl_connect(ctl, NULL);
  g_autoptr(RegistryValue) value =
      connection != NULL ? registry_get_value(connection, key, "Domain", NULL) : NULL;
  g_auto(GStrv) set = value != NULL ? settings_dup_names(value) : NULL;
  return set != NULL ? name_dup_domains((const char *const *)set, &wrong) : NULL;
}

void ctl_note_unreachable(Ctl *ctl, const char *account) {
  g_auto(GStrv) domains = get_domains(ctl);
  g_autofree char *reached = name_get_account(account, (const char *const *)domains);
  if (domains == NULL || g_strcmp0(reached, account) == 0)
    return;
  if (reached != NULL)
    ctl_note("no client reaches '%s': by 'Domain' in Services\\MailAuth\\Parameters that name is "
             "the account '%s'",
             account, reached);
  else
    ctl_note("no client reaches '%s': with several domains in 'Domain' of "
             "Services\\MailAuth\\Parameters accounts are full names, such as '%s@%s'",
             account, account, domains[0]);
}

gboolean ctl_need_key(Ctl *ctl, const char *key, const char *what, GError **error) {
  g_autoptr(GError) problem = NULL;
  RegistryConnection *connection = ctl_connect(ctl, error);
  if (connection == NULL)
    return FALSE;
  g_auto(GStrv) below = registry_list_keys(connection, key, &problem);
  if (below != NULL)
    return TRUE;
  if (g_error_matches(problem, REGISTRY_ERROR, REGISTRY_ERROR_KEY_NOT_FOUND))
    return error_set(error, REGISTRY_ERROR_KEY_NOT_FOUND, "%s", what);
  g_propagate_error(error, g_steal_pointer(&problem));
  return FALSE;
}

gboolean ctl_need_account(Ctl *ctl, const char *account, GError **error) {
  g_autofree char *key = g_strconcat(ACCOUNTS_PATH "\\", account, NULL);
  g_autofree char *what = g_strdup_printf("%s: there is no such account", account);
  return ctl_need_key(ctl, key, what, error);
}

char *ctl_get_setting(Ctl *ctl, const char *key, const char *name, const char *fallback,
                      GError **error) {
  g_autoptr(GError) problem = NULL;
  RegistryConnection *connection = ctl_connect(ctl, error);
  if (connection == NULL)
    return NULL;
  g_autoptr(RegistryValue) value = registry_get_value(connection, key, name, &problem);
  if (value == NULL && fallback != NULL &&
      (problem->code == REGISTRY_ERROR_KEY_NOT_FOUND ||
       problem->code == REGISTRY_ERROR_VALUE_NOT_FOUND))
    return g_strdup(fallback);
  if (value == NULL) {
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
  }
  char *text = registry_value_dup_string(value);
  if (text == NULL)
    error_set(error, REGISTRY_ERROR_INVALID_VALUE, "%s, %s: it is not a REG_SZ", key, name);
  return text;
}

char *ctl_dup_time(gint64 time) {
  g_autoptr(GDateTime) seconds = g_date_time_new_from_unix_local(time / G_TIME_SPAN_SECOND);
  return seconds != NULL ? g_date_time_format(seconds, "%F %T") : g_strdup("?");
}
