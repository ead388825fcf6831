/* SPDX-License-Identifier: MIT */
/* See parent.h. It puts the parts together: which role is started when, what each is
 * told of the others, and what the service manager is told.
 *
 * Any role may be replaced at any time. A new front gets the listeners and one end of a
 * new channel to the verifier, which gets the other end, and asks for the certificates.
 * A new verifier asks for everything again, and gets a new channel to the front
 * likewise. */
#include "mailauth/parent/parent.h"

#include <glib-unix.h>
#include <signal.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "client/base/escape.h"
#include "mailauth/base/kinds.h"
#include "mailauth/parent/auth-sockets.h"
#include "mailauth/parent/identity.h"
#include "mailauth/parent/key-files.h"
#include "mailauth/parent/listeners.h"
#include "mailauth/parent/report.h"
#include "mailauth/parent/servants.h"
#include "mailauth/parent/verifier-link.h"
#include "mailauth/process/account.h"
#include "mailauth/process/sandbox.h"

#define FRONT_USER "mailauth-front"
#define SQL_USER "mailauth-sql"

/* How long regd may take to say who the verifier is. */
#define IDENTITY_WAIT_S 5
/* How long the roles may take to end. */
#define STOP_WAIT_S 5
/* How often an address that could not be listened on is tried again. */
#define LISTEN_RETRY_S 2

typedef struct {
  Launcher launcher;
  GMainLoop *loop;
  int exit_code;
  gboolean stopping;
  Child identity, verifier, front;
  VerifierLink link;
  Servants *servants;
  Listeners *listeners;
  AuthSockets *sockets;
  guint listen_timer;
  guint identity_timer;
  guint ping_timer;
  char *status;        /* that systemd was told last; NULL before */
  gboolean is_ready;   /* systemd has been told */
  char *verifier_name; /* the last that regd named; "" for the default */
} Parent;

static void start_child(Parent *parent, Child *child);

/* ---- stopping ---- */

static void end_if_alone(Parent *parent) {
  if (parent->stopping && parent->identity.pid == 0 && parent->verifier.pid == 0 &&
      parent->front.pid == 0 && servants_count(parent->servants) == 0)
    g_main_loop_quit(parent->loop);
}

static void signal_others(const Parent *parent, int number) {
  child_signal(&parent->identity, number);
  child_signal(&parent->verifier, number);
  servants_signal(parent->servants, number);
}

static gboolean on_stop_late(gpointer data) {
  const Parent *parent = data;
  child_signal(&parent->front, SIGKILL);
  signal_others(parent, SIGKILL);
  return G_SOURCE_REMOVE;
}

static void stop(Parent *parent, int exit_code) {
  if (parent->stopping)
    return;
  parent->stopping = TRUE;
  parent->exit_code = exit_code;
  sd_notify(0, "STOPPING=1");
  verifier_link_clear(&parent->link);
  /* The front says goodbye to its clients when its channel ends. */
  child_stop(&parent->front);
  signal_others(parent, SIGTERM);
  g_timeout_add_seconds(STOP_WAIT_S, on_stop_late, parent);
  end_if_alone(parent);
}

static gboolean on_stop_signal(gpointer data) {
  stop(data, 0);
  return G_SOURCE_CONTINUE;
}

/* ---- listeners ---- */

static void pass_listener(const Listener *listener, gpointer data) {
  Parent *parent = data;
  child_tell_with(&parent->front, MESSAGE_LISTENER,
                  g_variant_new("(tsyb)", listener->id, listener->address,
                                (guint8)listener->protocol, listener->tls),
                  listener->socket);
}

static void withdraw_listener(const Listener *listener, gpointer data) {
  Parent *parent = data;
  child_tell(&parent->front, MESSAGE_UNLISTEN, g_variant_new_uint64(listener->id), NULL, 0);
}

static void report_listeners(Parent *parent) {
  child_tell(&parent->verifier, MESSAGE_LISTENING, listeners_report(parent->listeners), NULL, 0);
}

static void pass_socket(AuthKind kind, int socket, gpointer data) {
  Parent *parent = data;
  child_tell(&parent->front, MESSAGE_SOCKET, g_variant_new_byte((guint8)kind), &socket,
             socket >= 0 ? 1 : 0);
}

static void report_sockets(Parent *parent) {
  child_tell(&parent->verifier, MESSAGE_SOCKETS_STATE, auth_sockets_report(parent->sockets), NULL,
             0);
}

static gboolean needs_retry(const Parent *parent) {
  return !parent->stopping &&
         (listeners_have_problem(parent->listeners) || auth_sockets_have_problem(parent->sockets));
}

static gboolean on_listen_timer(gpointer data) {
  Parent *parent = data;
  if (!parent->stopping && listeners_retry(parent->listeners))
    report_listeners(parent);
  if (!parent->stopping && auth_sockets_retry(parent->sockets))
    report_sockets(parent);
  if (needs_retry(parent))
    return G_SOURCE_CONTINUE;
  parent->listen_timer = 0;
  return G_SOURCE_REMOVE;
}

static void retry_later(Parent *parent) {
  if (needs_retry(parent) && parent->listen_timer == 0)
    parent->listen_timer = g_timeout_add_seconds(LISTEN_RETRY_S, on_listen_timer, parent);
}

static void handle_sockets(Parent *parent, Message *message) {
  auth_sockets_replace(parent->sockets, message->body);
  report_sockets(parent);
  retry_later(parent);
}

/* A verifier that has not reached regd yet closes nothing that its predecessor had. */
static void handle_listen(Parent *parent, Message *message) {
  gboolean is_set;
  g_autoptr(GVariant) wanted = NULL;
  g_variant_get(message->body, "(b@a(syb))", &is_set, &wanted);
  if (is_set || !parent->is_ready)
    listeners_replace(parent->listeners, wanted);
  report_listeners(parent);
  retry_later(parent);
  if (!parent->is_ready)
    sd_notify(0, "READY=1");
  parent->is_ready = TRUE;
}

/* ---- what the verifier asks for ---- */

static void handle_certificate(Parent *parent, Message *message) {
  key_files_pass(&parent->front, &parent->verifier, message);
}

static void handle_want_store(Parent *parent, Message *message) {
  servants_take_want_store(parent->servants, message);
}

static void handle_want_servant(Parent *parent, Message *message) {
  servants_take_want(parent->servants, message);
}

static void handle_end_servant(Parent *parent, Message *message) {
  servants_take_end(parent->servants, message);
}

static void handle_front_lost(Parent *parent, Message *message) {
  verifier_link_take_lost(&parent->link, message);
}

/* ---- users ---- */

static gboolean find_user(const Parent *parent, Role role, RoleUser *user, GError **error) {
  const char *name = parent->verifier_name;
  if (!parent->launcher.is_root)
    return TRUE;
  if (role == ROLE_FRONT)
    return account_find(FRONT_USER, FALSE, user, error);
  if (role == ROLE_SQL)
    return account_find(SQL_USER, FALSE, user, error);
  if (role == ROLE_IDENTITY || name[0] == '\0')
    name = IDENTITY_DEFAULT_USER;
  return account_find(name, TRUE, user, error);
}

static gboolean find_servants_user(Role role, RoleUser *user, GError **error, gpointer data) {
  return find_user(data, role, user, error);
}

static void on_servant_ended(gpointer data) {
  end_if_alone(data);
}

/* ---- whether the roles answer ---- */

static void handle_pong_front(Parent *parent, G_GNUC_UNUSED Message *message) {
  child_note_answer(&parent->front);
}

/* What it says of itself is what `systemctl status` shows. It must stay one line: on another
 * a verifier that was taken over would tell the service manager things in root's name. */
static void handle_pong_verifier(Parent *parent, Message *message) {
  const char *status = g_variant_get_string(message->body, NULL);
  child_note_answer(&parent->verifier);
  if (g_strcmp0(parent->status, status) == 0)
    return;
  g_free(parent->status);
  parent->status = g_strdup(status);
  g_autoptr(GString) line = g_string_new("STATUS=");
  escape_append(line, status);
  sd_notify(0, line->str);
}

/* The service manager restarts everything if a role can't even be replaced. */
static gboolean on_ping_timer(gpointer data) {
  Parent *parent = data;
  gboolean front = child_ping(&parent->front, MESSAGE_PING_FRONT);
  gboolean verifier = child_ping(&parent->verifier, MESSAGE_PING_VERIFIER);
  if (front && verifier)
    sd_notify(0, "WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

/* ---- the verifier's user ---- */

static void start_verifier(Parent *parent) {
  start_child(parent, parent->launcher.is_root ? &parent->identity : &parent->verifier);
}

static void handle_identity(Parent *parent, Message *message) {
  gboolean answered;
  g_autofree char *name = NULL;
  g_variant_get(message->body, "(bs)", &answered, &name);
  if (!answered)
    return; /* the last that is known, until the verifier finds out */
  g_free(parent->verifier_name);
  parent->verifier_name = g_steal_pointer(&name);
}

static gboolean on_identity_late(gpointer data) {
  Parent *parent = data;
  parent->identity_timer = 0;
  child_signal(&parent->identity, SIGKILL);
  return G_SOURCE_REMOVE;
}

/* ---- starting and replacing ---- */

typedef void (*Handler)(Parent *parent, Message *message);

static const Handler handlers[N_MESSAGES] = {
    [MESSAGE_IDENTITY] = handle_identity,         [MESSAGE_LISTEN] = handle_listen,
    [MESSAGE_SOCKETS] = handle_sockets,           [MESSAGE_CERTIFICATE] = handle_certificate,
    [MESSAGE_WANT_STORE] = handle_want_store,     [MESSAGE_FRONT_LOST] = handle_front_lost,
    [MESSAGE_WANT_SERVANT] = handle_want_servant, [MESSAGE_END_SERVANT] = handle_end_servant,
    [MESSAGE_PONG_FRONT] = handle_pong_front,     [MESSAGE_PONG_VERIFIER] = handle_pong_verifier,
};

static void on_message(Message *message, gpointer data) {
  Parent *parent = data;
  if (!parent->stopping)
    handlers[message->kind](parent, message);
}

static void introduce(Parent *parent) {
  g_autoptr(GError) error = NULL;
  if (verifier_link_make(&parent->link, &error))
    return;
  parent_report("%s", error->message);
  stop(parent, 1);
}

static void on_started(Parent *parent, const Child *child) {
  if (child->role == ROLE_IDENTITY)
    parent->identity_timer = g_timeout_add_seconds(IDENTITY_WAIT_S, on_identity_late, parent);
  else
    introduce(parent);
  if (child->role != ROLE_FRONT)
    return;
  listeners_foreach(parent->listeners, pass_listener, parent);
  auth_sockets_foreach(parent->sockets, pass_socket, parent);
}

/* The verifier's user is asked for each time: a name that could not be used may have
 * been corrected. */
static void on_start_again(Child *child, gpointer data) {
  if (child->role == ROLE_VERIFIER)
    start_verifier(data);
  else
    start_child(data, child);
}

/* Before anything has been served a user that is missing is fatal; later it may
 * be there again the next time. */
static void start_child(Parent *parent, Child *child) {
  RoleUser user = {0};
  g_autoptr(GError) error = NULL;
  if (parent->stopping || child->pid > 0)
    return;
  if (find_user(parent, child->role, &user, &error) &&
      child_start(child, &parent->launcher, &user, &error)) {
    on_started(parent, child);
    return;
  }
  parent_report("The %s can't be started: %s", role_get_name(child->role), error->message);
  if (parent->is_ready)
    child_start_later(child);
  else
    stop(parent, 1);
}

static void report_exit(const Child *child, int status) {
  if (WIFSIGNALED(status))
    parent_report("The %s was ended by signal %d (%s)", role_get_name(child->role),
                  WTERMSIG(status), g_strsignal(WTERMSIG(status)));
  else
    parent_report("The %s ended with status %d", role_get_name(child->role), WEXITSTATUS(status));
}

static void replace(Parent *parent, Child *child, int status) {
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (child->role == ROLE_IDENTITY) {
    g_clear_handle_id(&parent->identity_timer, g_source_remove);
    if (code == ROLE_EXIT_UNSETTLED)
      stop(parent, 1);
    else
      start_child(parent, &parent->verifier);
    return;
  }
  report_exit(child, status);
  if (code == ROLE_EXIT_UNSETTLED)
    stop(parent, 1);
  else if (child->role == ROLE_VERIFIER && code == ROLE_EXIT_OTHER_USER)
    start_verifier(parent);
  else
    child_start_later(child);
}

static void on_exited(Child *child, int status, gpointer data) {
  Parent *parent = data;
  if (child->role == ROLE_IDENTITY)
    child_hear_out(child);
  g_clear_pointer(&child->channel, channel_free);
  if (!parent->stopping)
    replace(parent, child, status);
  end_if_alone(parent);
}

/* ---- the whole ---- */

static void set_up(Parent *parent, const char *bus) {
  static const ChildEvents events = {
      .message = on_message, .exited = on_exited, .start_again = on_start_again};
  const ListenerHooks listener_hooks = {pass_listener, withdraw_listener, parent};
  const ServantsHooks servants_hooks = {find_servants_user, on_servant_ended, parent};
  parent->launcher.bus = bus;
  parent->launcher.is_root = geteuid() == 0;
  parent->loop = g_main_loop_new(NULL, FALSE);
  child_init(&parent->identity, ROLE_IDENTITY, &events, parent);
  child_init(&parent->verifier, ROLE_VERIFIER, &events, parent);
  child_init(&parent->front, ROLE_FRONT, &events, parent);
  verifier_link_init(&parent->link, &parent->front, &parent->verifier);
  parent->servants = servants_new(&parent->launcher, &parent->verifier, &servants_hooks);
  parent->listeners = listeners_new(&listener_hooks);
  parent->sockets = auth_sockets_new(pass_socket, parent);
  parent->verifier_name = g_strdup("");
}

static void tear_down(Parent *parent) {
  child_clear(&parent->identity);
  child_clear(&parent->verifier);
  child_clear(&parent->front);
  verifier_link_clear(&parent->link);
  g_clear_handle_id(&parent->listen_timer, g_source_remove);
  g_clear_handle_id(&parent->identity_timer, g_source_remove);
  g_clear_handle_id(&parent->ping_timer, g_source_remove);
  g_free(parent->status);
  listeners_free(parent->listeners);
  auth_sockets_free(parent->sockets);
  servants_free(parent->servants);
  close(parent->launcher.store);
  g_main_loop_unref(parent->loop);
  g_free(parent->verifier_name);
}

/* Settings are live: what is read again are the files that they name. */
static gboolean on_hang_up(gpointer data) {
  Parent *parent = data;
  child_tell(&parent->verifier, MESSAGE_RELOAD, g_variant_new("()"), NULL, 0);
  return G_SOURCE_CONTINUE;
}

/* In time for the service manager's watchdog, if there is one. */
static guint get_ping_interval(void) {
  guint64 watchdog = 0;
  if (sd_watchdog_enabled(0, &watchdog) <= 0)
    return CHILD_PING_MS;
  return (guint)CLAMP(watchdog / 1000 / 2, 1, CHILD_PING_MS);
}

int parent_run(const char *bus) {
  Parent parent = {0};
  g_autoptr(GError) error = NULL;
  parent.launcher.store = role_open_store(&error);
  if (parent.launcher.store < 0 || !sandbox_enter_parent(&error)) {
    parent_report("%s", error->message);
    return 1;
  }
  set_up(&parent, bus);
  g_unix_signal_add(SIGTERM, on_stop_signal, &parent);
  g_unix_signal_add(SIGINT, on_stop_signal, &parent);
  g_unix_signal_add(SIGHUP, on_hang_up, &parent);
  parent.ping_timer = g_timeout_add(get_ping_interval(), on_ping_timer, &parent);
  start_child(&parent, &parent.front);
  start_verifier(&parent);
  if (!parent.stopping || parent.front.pid > 0)
    g_main_loop_run(parent.loop);
  tear_down(&parent);
  return parent.exit_code;
}
