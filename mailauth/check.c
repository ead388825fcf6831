/* SPDX-License-Identifier: MIT */
/* `mailauthd --check`: what would be done with the settings as they are. It asks the
 * registry and the package that decides. It does not listen. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/base/unique-id-format.h"
#include "mailauth/package/packages.h"
#include "mailauth/parent/identity.h"
#include "mailauth/process/account.h"
#include "mailauth/running.h"
#include "mailauth/settings/decision.h"
#include "mailauth/settings/live-settings.h"
#include "mailauth/sql/sql-package.h"
#include "mailauth/verifier/problems.h"
#include "mailauth/verifier/verifier.h"

/* How long regd is waited for, in ms. */
#define WAIT_MS 5000

typedef struct {
  GMainLoop *loop;
  Views *views;
  const char *bus; /* as on the command line */
  PamPool *pam;
  Dialer *dialer;
  SqlServants *sql;
  gboolean answered; /* by the package */
  Outcome outcome;
  char *detail;
} Check;

static void on_changed(gpointer data) {
  const Check *check = data;
  if (views_are_known(check->views))
    g_main_loop_quit(check->loop);
}

static gboolean on_late(gpointer data) {
  g_main_loop_quit(data);
  return G_SOURCE_CONTINUE;
}

static void on_proved(Outcome outcome, const char *detail, gpointer data) {
  Check *check = data;
  check->answered = TRUE;
  check->outcome = outcome;
  check->detail = g_strdup(detail);
  g_main_loop_quit(check->loop);
}

/* There is no parent to do so. The process ends with this one. -1: there is none. */
static int start_role(const Check *check, Role role) {
  int ends[2];
  g_auto(GStrv) arguments = role_make_arguments(role, check->bus, FALSE, NULL);
  if (!channel_pair(ends, NULL))
    return -1;
  GPid pid = role_launch(ROLE_OWN_PROGRAM, arguments, ends[1], NULL);
  close(ends[1]);
  if (pid >= 0)
    return ends[0];
  close(ends[0]);
  return -1;
}

static gboolean start_pam(guint64 request, gpointer data) {
  const Check *check = data;
  int channel = start_role(check, ROLE_PAM);
  if (channel >= 0)
    pam_pool_take_helper(check->pam, request, channel);
  return channel >= 0;
}

static gboolean start_connector(guint64 request, gpointer data) {
  const Check *check = data;
  int channel = start_role(check, ROLE_CONNECTOR);
  if (channel >= 0)
    dialer_take_connector(check->dialer, request, channel);
  return channel >= 0;
}

static gboolean start_sql(guint64 request, gpointer data) {
  const Check *check = data;
  int channel = start_role(check, ROLE_SQL);
  if (channel >= 0)
    sql_servants_take(check->sql, request, channel);
  return channel >= 0;
}

/* Asks the package about nobody: "no such user" is an answer, a fault is none. */
static gboolean ask_package(Check *check, Settings *settings, const char *source) {
  g_autoptr(Workers) prover = workers_new(1, NULL);
  g_autoptr(Workers) lookups = workers_new(1, NULL);
  g_autoptr(PamPool) pam = pam_pool_new(start_pam, check);
  g_autoptr(Dialer) dialer = dialer_new(start_connector, NULL, check);
  g_autoptr(Packages) packages =
      packages_new(views_get_accounts(check->views), lookups, prover, pam, dialer);
  g_autoptr(SqlServants) sql = sql_servants_new(start_sql, NULL, check);
  sql_package_add_all(packages, sql, views_get_accounts(check->views), prover);
  check->sql = sql;
  check->pam = pam;
  check->dialer = dialer;
  Package *package = packages_find(packages, source);
  g_auto(Secret) none = {0};
  const PackageRequest request = {.password = &none, .settings = settings};
  package->prove(package, &request, on_proved, check);
  while (!check->answered)
    g_main_context_iteration(NULL, TRUE);
  dialer_close(dialer);
  if (outcome_is_client_failure(check->outcome))
    return TRUE;
  g_print("no login can be decided: %s (%s)\n", outcome_get_facts(check->outcome)->description,
          check->detail != NULL ? check->detail : outcome_get_facts(check->outcome)->reason);
  return FALSE;
}

static void say_listeners(const char *what, char **addresses) {
  for (char **address = addresses; *address != NULL; address++)
    g_print("  listens on %s%s\n", *address, what);
}

static void say_store(const ProtocolSettings *own) {
  if (own->store != STORE_MAILDIR) {
    g_print("  mailboxes: backend %s\n",
            *own->backend_text == '\0' ? "(`Backend` is not set)" : own->backend_text);
    return;
  }
  g_print("  mailboxes: Maildir %s\n",
          *own->mail_directory == '\0' ? "(`Mail Directory` is not set)" : own->mail_directory);
  if (!g_str_equal(own->unique_ids, UNIQUE_IDS_BY_NAME))
    g_print("  unique IDs: taken over from Dovecot, whose pop3_uidl_format is %s\n",
            own->unique_ids);
}

static void say_protocol(const Settings *settings, Protocol protocol) {
  static const char *const clear_text[] = {"never", "on loopback", "always"};
  const ProtocolSettings *own = &settings->protocols[protocol];
  gboolean served = protocol_is_served(settings, protocol);
  g_print("%s: %s\n", protocol_get_name(protocol),
          served         ? "enabled"
          : own->enabled ? "does not listen, as `Backend` is not set"
                         : "not enabled");
  if (!served)
    return;
  say_listeners("", own->listen);
  say_listeners(" with TLS", own->listen_tls);
  g_print("  takes passwords without TLS: %s\n", clear_text[own->clear_text]);
  say_store(own);
}

static void say_sockets(const Settings *settings) {
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    if (*settings->sockets[i] != '\0')
      g_print("%s: %s, mode %04o\n", auth_kind_get_setting((AuthKind)i), settings->sockets[i],
              settings->socket_mode);
}

/* Only the roles that may read the files find out whether they can be used. */
static void say_certificates(const Settings *settings) {
  for (guint i = 0; i < settings->hosts->len; i++) {
    const HostSettings *host = settings->hosts->pdata[i];
    for (guint slot = 0; slot < N_CERTIFICATE_SLOTS; slot++)
      if (*host->files[slot].certificate != '\0')
        g_print("%s%s%s: %s\n", certificate_slot_get_setting((CertificateSlot)slot, FALSE),
                *host->name == '\0' ? "" : " of ", host->name, host->files[slot].certificate);
  }
}

static void say_problems(const GPtrArray *problems, const GPtrArray *said) {
  for (guint i = 0; i < problems->len; i++)
    if (said == NULL || !g_ptr_array_find_with_equal_func((GPtrArray *)(gsize)said,
                                                          problems->pdata[i], g_str_equal, NULL))
      g_print("problem: %s\n", (const char *)problems->pdata[i]);
}

/* What can be opened is known to the server that has it open. */
static void say_all_problems(const Check *check) {
  gboolean all = FALSE;
  g_autoptr(Settings) settings = views_get_settings(check->views);
  g_autofree char *of_pam = problems_find_of_pam(settings, NULL, &all);
  g_autofree char *of_members = problems_find_of_members(settings);
  g_autoptr(GPtrArray) problems = problems_list(check->views, NULL, of_pam, of_members);
  g_autoptr(GPtrArray) running = running_list_problems(check->bus);
  say_problems(problems, NULL);
  if (running != NULL)
    say_problems(running, problems);
  else
    g_print("mailauthd is not running, or tells this user nothing: whether listeners, sockets and "
            "certificates can be opened is not known\n");
}

static gboolean say_all(Check *check) {
  g_autoptr(Settings) settings = views_get_settings(check->views);
  g_auto(Decision) decision = {0};
  gboolean decided = TRUE;
  decision_choose(settings, &decision);
  g_print("package: %s\n  %s\n", package_kind_get_name(decision.kind), decision.why);
  say_all_problems(check);
  for (guint i = 0; i < settings->problems->len; i++) {
    const SettingProblem *problem = settings->problems->pdata[i];
    decided &= problem->scope == SCOPE_NOTHING || problem->scope == SCOPE_NATIVE ||
               problem->scope == SCOPE_BROKER;
  }
  if (*settings->logon_only_as != NULL)
    g_print("maintenance: only those whom `Logon Only As` names may log on\n");
  for (guint i = 0; i < N_PROTOCOLS; i++)
    say_protocol(settings, (Protocol)i);
  say_sockets(settings);
  say_certificates(settings);
  if (decision.outcome == OUTCOME_OK)
    return ask_package(check, settings, decision.source) && decided;
  g_print("no login can be decided: %s\n", outcome_get_facts(decision.outcome)->reason);
  return FALSE;
}

/* What root may read is no answer: it is the verifier that has to. */
static gboolean become_verifier(const char *bus, GError **error) {
  RoleUser user;
  g_autofree char *name = identity_ask(bus);
  const char *who = name == NULL || *name == '\0' ? IDENTITY_DEFAULT_USER : name;
  return account_find(who, TRUE, &user, error) && role_become(&user, error);
}

int verifier_check(const char *bus) {
  /* Packages write to servers that may have gone. */
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  (void)sigaction(SIGPIPE, &ignore, NULL);
  g_autoptr(GError) error = NULL;
  if (geteuid() == 0 && !become_verifier(bus, &error)) {
    g_print("no login can be decided: %s\n", error->message);
    return EXIT_CODE_FAILED;
  }
  g_autoptr(RegistryConnection) connection = registry_connection_new(bus, NULL, &error);
  if (connection == NULL) {
    g_printerr("mailauthd: %s\n", error->message);
    return EXIT_CODE_UNREACHABLE;
  }
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  Check check = {.loop = loop, .bus = bus};
  g_autoptr(Views) views = views_new(connection, on_changed, &check);
  check.views = views;
  guint timer = g_timeout_add(WAIT_MS, on_late, loop);
  if (!views_are_known(views))
    g_main_loop_run(loop);
  g_source_remove(timer);
  if (!views_are_known(views)) {
    g_printerr("mailauthd: regd can't be reached on the %s bus\n", bus != NULL ? bus : "system");
    return EXIT_CODE_UNREACHABLE;
  }
  gboolean decided = say_all(&check);
  g_free(check.detail);
  return decided ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}
