/* SPDX-License-Identifier: MIT */
/* See parent.h.
 *
 * Who is there changes; what each needs to know of the others does not: a new
 * front gets the listeners and one end of a new channel to the verifier, which
 * gets the other, and asks for the certificates; a new verifier asks for
 * everything anew, and meets the front by a new channel likewise. So do both
 * where the channel between them has ended and they have not. Store processes
 * answer to the verifier that asked for them and end with their work. */
#include "mailauth/parent/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "client/base/error.h"
#include "mailauth/base/kinds.h"
#include "mailauth/base/limits.h"
#include "mailauth/parent/auth-sockets.h"
#include "mailauth/parent/identity.h"
#include "mailauth/parent/listeners.h"
#include "mailauth/process/account.h"
#include "mailauth/process/sandbox.h"

#define FRONT_USER "mailauth-front"

/* A role that has served this long has not failed at once. */
#define STEADY_US (10 * G_USEC_PER_SEC)
#define FIRST_DELAY_MS 100
#define LONGEST_DELAY_MS 5000
/* How long regd may take to say who the verifier is. */
#define IDENTITY_WAIT_S 5
/* How long the roles may take to end. */
#define STOP_WAIT_S 5
/* A link between verifier and front that ends is made anew after this long, which
 * doubles, and the front is replaced instead once so many have ended in a row:
 * none of them lasted as long as a steady one. */
#define LINK_DELAY_MS 100
#define MAX_LOST_LINKS 4
#define STEADY_LINK_US (60 * G_USEC_PER_SEC)
/* How often the roles are asked whether they answer, in ms, and how often in a row one
 * may leave it unanswered before it is replaced. */
#define PING_MS 2000
#define MAX_UNANSWERED 5
/* How often an address that could not be listened on is tried again. */
#define LISTEN_RETRY_S 2

typedef struct Parent Parent;

typedef struct {
  Parent *parent;
  Role role;
  GPid pid;         /* 0 while there is none */
  Channel *channel; /* NULL while there is none */
  gint64 started;   /* monotonic time, us */
  guint failures;   /* in a row */
  guint timer;      /* that starts it again; 0 for none */
  guint unanswered; /* pings since the last answer */
} Child;

/* The channel between verifier and front. */
typedef struct {
  guint64 number;
  gint64 made; /* monotonic time, us */
  guint lost;  /* in a row */
  guint timer; /* that makes another; 0 for none */
  char *why;   /* the last has ended */
} Link;

struct Parent {
  const char *bus;
  gboolean is_root;
  GMainLoop *loop;
  int exit_code;
  gboolean stopping;
  Child identity, verifier, front;
  Link link;
  GHashTable *stores; /* of GPid; PAM's processes too */
  Listeners *listeners;
  AuthSockets *sockets;
  guint listen_timer;
  guint identity_timer;
  guint ping_timer;
  char *status;        /* that systemd was told last; NULL before */
  gboolean is_ready;   /* systemd has been told */
  char *verifier_name; /* the last that regd named; "" for the default */
};

static void start_child(Child *child);

G_GNUC_PRINTF(1, 2) static void report(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_printerr("mailauthd: %s\n", text);
}

/* ---- stopping ---- */

static void end_if_alone(Parent *parent) {
  if (parent->stopping && parent->identity.pid == 0 && parent->verifier.pid == 0 &&
      parent->front.pid == 0 && g_hash_table_size(parent->stores) == 0)
    g_main_loop_quit(parent->loop);
}

static void signal_child(const Child *child, int number) {
  if (child->pid > 0)
    kill(child->pid, number);
}

/* The front says goodbye to its clients when its channel ends. */
static void stop_front(const Child *front) {
  if (front->channel == NULL || shutdown(channel_get_descriptor(front->channel), SHUT_WR) < 0)
    signal_child(front, SIGTERM);
}

static void signal_others(const Parent *parent, int number) {
  GHashTableIter each;
  gpointer store;
  signal_child(&parent->identity, number);
  signal_child(&parent->verifier, number);
  g_hash_table_iter_init(&each, parent->stores);
  while (g_hash_table_iter_next(&each, &store, NULL))
    kill(GPOINTER_TO_INT(store), number);
}

static gboolean on_stop_late(gpointer data) {
  const Parent *parent = data;
  signal_child(&parent->front, SIGKILL);
  signal_others(parent, SIGKILL);
  return G_SOURCE_REMOVE;
}

static void stop(Parent *parent, int exit_code) {
  if (parent->stopping)
    return;
  parent->stopping = TRUE;
  parent->exit_code = exit_code;
  sd_notify(0, "STOPPING=1");
  stop_front(&parent->front);
  signal_others(parent, SIGTERM);
  g_timeout_add_seconds(STOP_WAIT_S, on_stop_late, parent);
  end_if_alone(parent);
}

static gboolean on_stop_signal(gpointer data) {
  stop(data, 0);
  return G_SOURCE_CONTINUE;
}

/* ---- sending ---- */

/* A role that can't be told what it must know is replaced. */
static void tell(Child *child, MessageKind kind, GVariant *body, const int *descriptors,
                 guint n_descriptors) {
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) owned = body != NULL ? g_variant_ref_sink(body) : NULL;
  if (child->channel == NULL ||
      channel_send(child->channel, kind, owned, descriptors, n_descriptors, &error))
    return;
  report("%s", error->message);
  if (child->pid > 0)
    kill(child->pid, SIGKILL);
}

static void tell_with(Child *child, MessageKind kind, GVariant *body, int descriptor) {
  tell(child, kind, body, &descriptor, 1);
}

/* ---- listeners ---- */

static void pass_listener(const Listener *listener, gpointer data) {
  Parent *parent = data;
  tell_with(&parent->front, MESSAGE_LISTENER,
            g_variant_new("(tsyb)", listener->id, listener->address, (guint8)listener->protocol,
                          listener->tls),
            listener->socket);
}

static void withdraw_listener(const Listener *listener, gpointer data) {
  Parent *parent = data;
  tell(&parent->front, MESSAGE_UNLISTEN, g_variant_new_uint64(listener->id), NULL, 0);
}

static void report_listeners(Parent *parent) {
  tell(&parent->verifier, MESSAGE_LISTENING, listeners_report(parent->listeners), NULL, 0);
}

static void pass_socket(AuthKind kind, int socket, gpointer data) {
  Parent *parent = data;
  tell(&parent->front, MESSAGE_SOCKET, g_variant_new_byte((guint8)kind), &socket,
       socket >= 0 ? 1 : 0);
}

static void report_sockets(Parent *parent) {
  tell(&parent->verifier, MESSAGE_SOCKETS_STATE, auth_sockets_report(parent->sockets), NULL, 0);
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

/* ---- certificate and key ---- */

static int open_file(const char *name, GError **error) {
  struct stat status;
  int file = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (file < 0) {
    error_set(error, REGISTRY_ERROR_FAILED, "%s", g_strerror(errno));
    return -1;
  }
  if (fstat(file, &status) == 0 && S_ISREG(status.st_mode))
    return file;
  close(file);
  error_set(error, REGISTRY_ERROR_FAILED, "It is no regular file");
  return -1;
}

/* Opens @name, or tells the verifier why not. */
static int open_for_front(Parent *parent, guint64 request, const char *name) {
  g_autoptr(GError) error = NULL;
  int file = open_file(name, &error);
  if (file < 0)
    tell(&parent->verifier, MESSAGE_FILE_PROBLEM,
         g_variant_new("(tss)", request, name, error->message), NULL, 0);
  return file;
}

static void pass_key_files(Parent *parent, guint64 request, GVariant *body, const char *certificate,
                           const char *key) {
  int files[] = {open_for_front(parent, request, certificate), -1};
  if (files[0] >= 0)
    files[1] = open_for_front(parent, request, key);
  if (files[1] >= 0)
    tell(&parent->front, MESSAGE_KEYS, body, files, G_N_ELEMENTS(files));
  for (guint i = 0; i < G_N_ELEMENTS(files); i++)
    if (files[i] >= 0)
      close(files[i]);
}

/* Nothing is kept here: the verifier asks again for whoever needs them. */
static void handle_certificate(Parent *parent, Message *message) {
  guint64 request;
  const char *certificate, *key;
  g_variant_get(message->body, "(t&sy&s&s)", &request, NULL, NULL, &certificate, &key);
  if (certificate[0] != '\0' && key[0] != '\0')
    pass_key_files(parent, request, message->body, certificate, key);
  else
    tell(&parent->front, MESSAGE_KEYS, message->body, NULL, 0);
}

/* ---- processes that serve the verifier ---- */

static void on_store_exit(GPid pid, G_GNUC_UNUSED int status, gpointer data) {
  Parent *parent = data;
  g_spawn_close_pid(pid);
  g_hash_table_remove(parent->stores, GINT_TO_POINTER(pid));
  end_if_alone(parent);
}

/* Who touches the mail: @name, or the owner of the folder where it is "". */
static gboolean find_mail_user(const Parent *parent, const char *folder, const char *name,
                               RoleUser *user, GError **error) {
  if (name[0] != '\0' ? !account_find(name, FALSE, user, error)
                      : !account_find_owner(folder, user, error))
    return FALSE;
  if (parent->is_root || user->uid == geteuid())
    return TRUE;
  return error_set(error, REGISTRY_ERROR_ACCESS_DENIED,
                   "%s belongs to user %u, and mailauthd was not started by root", folder,
                   user->uid);
}

static GPid launch(const Parent *parent, Role role, const RoleUser *user, int channel,
                   GError **error) {
  g_auto(GStrv) arguments =
      role_make_arguments(role, parent->bus, parent->is_root, parent->is_root ? user : NULL);
  return role_launch(arguments, channel, error);
}

/* The verifier's end of the channel to a new process that serves it; -1 and an error. */
static int start_servant(Parent *parent, Role role, const RoleUser *user, GError **error) {
  int ends[2];
  if (g_hash_table_size(parent->stores) >= MAX_STORES) {
    error_set(error, REGISTRY_ERROR_LIMIT_EXCEEDED, "There are %d processes already", MAX_STORES);
    return -1;
  }
  if (!channel_pair(ends, error))
    return -1;
  GPid pid = launch(parent, role, user, ends[1], error);
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return -1;
  }
  g_hash_table_add(parent->stores, GINT_TO_POINTER(pid));
  g_child_watch_add(pid, on_store_exit, parent);
  return ends[0];
}

/* @numbers: au. */
static gboolean has_number(GVariant *numbers, guint32 number) {
  gsize count = 0;
  const guint32 *all = g_variant_get_fixed_array(numbers, &count, sizeof *all);
  for (gsize i = 0; i < count; i++)
    if (all[i] == number)
      return TRUE;
  return FALSE;
}

static void handle_want_store(Parent *parent, Message *message) {
  guint64 request;
  const char *folder, *name;
  RoleUser user;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) there = NULL;
  g_variant_get(message->body, "(t&s&s@au)", &request, &folder, &name, &there);
  gboolean found = find_mail_user(parent, folder, name, &user, &error);
  if (found && has_number(there, user.uid)) {
    tell(&parent->verifier, MESSAGE_STORE, g_variant_new("(tu)", request, user.uid), NULL, 0);
    return;
  }
  int store = found ? start_servant(parent, ROLE_STORE, &user, &error) : -1;
  if (store < 0) {
    tell(&parent->verifier, MESSAGE_STORE_REFUSED, g_variant_new("(ts)", request, error->message),
         NULL, 0);
    return;
  }
  tell_with(&parent->verifier, MESSAGE_STORE, g_variant_new("(tu)", request, user.uid), store);
  close(store);
}

static gboolean find_user(const Child *child, RoleUser *user, GError **error) {
  const char *name = child->parent->verifier_name;
  if (!child->parent->is_root)
    return TRUE;
  if (child->role == ROLE_FRONT)
    return account_find(FRONT_USER, FALSE, user, error);
  if (child->role == ROLE_IDENTITY || name[0] == '\0')
    name = IDENTITY_DEFAULT_USER;
  return account_find(name, TRUE, user, error);
}

/* As the verifier's user, whose work it does. */
static int start_verifiers_servant(Parent *parent, Role role, GError **error) {
  RoleUser user = {0};
  if (role == ROLE_PAM || role == ROLE_CONNECTOR)
    return find_user(&parent->verifier, &user, error) ? start_servant(parent, role, &user, error)
                                                      : -1;
  error_set(error, REGISTRY_ERROR_ACCESS_DENIED, "The verifier is served by no such role");
  return -1;
}

static void handle_want_servant(Parent *parent, Message *message) {
  guint64 request = 0;
  guint8 role = 0;
  g_autoptr(GError) error = NULL;
  g_variant_get(message->body, "(ty)", &request, &role);
  int servant = start_verifiers_servant(parent, (Role)role, &error);
  if (servant < 0) {
    tell(&parent->verifier, MESSAGE_SERVANT_REFUSED,
         g_variant_new("(tys)", request, role, error->message), NULL, 0);
    return;
  }
  tell_with(&parent->verifier, MESSAGE_SERVANT_STARTED, g_variant_new("(ty)", request, role),
            servant);
  close(servant);
}

/* ---- whether the roles answer ---- */

static void handle_pong_front(Parent *parent, G_GNUC_UNUSED Message *message) {
  parent->front.unanswered = 0;
}

/* What it says of itself is what `systemctl status` shows. */
static void handle_pong_verifier(Parent *parent, Message *message) {
  const char *status = g_variant_get_string(message->body, NULL);
  parent->verifier.unanswered = 0;
  if (g_strcmp0(parent->status, status) == 0)
    return;
  g_free(parent->status);
  parent->status = g_strdup(status);
  sd_notifyf(0, "STATUS=%s", status);
}

/* Pings are counted, and not time: after this process, or the whole system, has been
 * stopped for a while the answers are there before the next ping. FALSE: it should have
 * ended long ago. */
static gboolean ping(Child *child, MessageKind kind) {
  if (child->channel == NULL || child->pid == 0)
    return TRUE;
  if (child->unanswered == MAX_UNANSWERED) {
    report("The %s has not answered for %d s; it is replaced", role_get_name(child->role),
           MAX_UNANSWERED * PING_MS / 1000);
    kill(child->pid, SIGKILL);
  }
  if (child->unanswered++ < MAX_UNANSWERED)
    tell(child, kind, g_variant_new("()"), NULL, 0);
  return child->unanswered < 2 * MAX_UNANSWERED;
}

/* The service manager restarts all where a role can't even be replaced. */
static gboolean on_ping_timer(gpointer data) {
  Parent *parent = data;
  gboolean front = ping(&parent->front, MESSAGE_PING_FRONT);
  gboolean verifier = ping(&parent->verifier, MESSAGE_PING_VERIFIER);
  if (front && verifier)
    sd_notify(0, "WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

/* ---- the verifier's user ---- */

static void start_verifier(Parent *parent) {
  if (parent->is_root)
    start_child(&parent->identity);
  else
    start_child(&parent->verifier);
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
  if (parent->identity.pid > 0)
    kill(parent->identity.pid, SIGKILL);
  return G_SOURCE_REMOVE;
}

/* ---- the channel between verifier and front ---- */

static void introduce(Parent *parent) {
  int ends[2];
  g_autoptr(GError) error = NULL;
  g_clear_handle_id(&parent->link.timer, g_source_remove);
  if (parent->front.channel == NULL || parent->verifier.channel == NULL)
    return;
  if (!channel_pair(ends, &error)) {
    report("%s", error->message);
    stop(parent, 1);
    return;
  }
  parent->link.number++;
  parent->link.made = g_get_monotonic_time();
  tell_with(&parent->front, MESSAGE_VERIFIER_STARTED, NULL, ends[0]);
  tell_with(&parent->verifier, MESSAGE_FRONT_STARTED, g_variant_new_uint64(parent->link.number),
            ends[1]);
  close(ends[0]);
  close(ends[1]);
}

/* By now the end of either process would have been heard of, which has brought,
 * or will bring, another link by itself. */
static gboolean on_link_timer(gpointer data) {
  Parent *parent = data;
  Link *link = &parent->link;
  link->timer = 0;
  if (parent->stopping || parent->front.pid == 0 || parent->verifier.pid == 0)
    return G_SOURCE_REMOVE;
  link->lost++;
  report("The channel between verifier and front has ended: %s; %s",
         *link->why != '\0' ? link->why : "the front has ended it",
         link->lost <= MAX_LOST_LINKS ? "they get another" : "the front is replaced");
  if (link->lost <= MAX_LOST_LINKS) {
    introduce(parent);
  } else {
    link->lost = 0;
    kill(parent->front.pid, SIGKILL);
  }
  return G_SOURCE_REMOVE;
}

static void handle_front_lost(Parent *parent, Message *message) {
  Link *link = &parent->link;
  guint64 number;
  const char *why;
  g_variant_get(message->body, "(t&s)", &number, &why);
  if (number != link->number || link->timer != 0)
    return; /* there is another already, or soon */
  if (g_get_monotonic_time() - link->made >= STEADY_LINK_US)
    link->lost = 0;
  g_free(link->why);
  link->why = g_strdup(why);
  link->timer =
      g_timeout_add((guint)LINK_DELAY_MS << MIN(link->lost, MAX_LOST_LINKS), on_link_timer, parent);
}

/* ---- starting and replacing ---- */

typedef void (*Handler)(Parent *parent, Message *message);

static const Handler handlers[N_MESSAGES] = {
    [MESSAGE_IDENTITY] = handle_identity,
    [MESSAGE_LISTEN] = handle_listen,
    [MESSAGE_SOCKETS] = handle_sockets,
    [MESSAGE_CERTIFICATE] = handle_certificate,
    [MESSAGE_WANT_STORE] = handle_want_store,
    [MESSAGE_FRONT_LOST] = handle_front_lost,
    [MESSAGE_WANT_SERVANT] = handle_want_servant,
    [MESSAGE_PONG_FRONT] = handle_pong_front,
    [MESSAGE_PONG_VERIFIER] = handle_pong_verifier,
};

/* The end of a process is learnt from its exit; one that sends what it may not is ended. */
static void on_message(Channel *channel, Message *message, const GError *error, gpointer data) {
  Child *child = data;
  if (message != NULL) {
    if (!child->parent->stopping)
      handlers[message->kind](child->parent, message);
    return;
  }
  if (error != NULL)
    report("%s; it is replaced", error->message);
  if (error != NULL && child->pid > 0)
    kill(child->pid, SIGKILL);
  channel_free(channel);
  child->channel = NULL;
}

static void on_child_exit(GPid pid, int status, gpointer data);

static gboolean start_process(Child *child, GError **error) {
  RoleUser user = {0};
  int ends[2];
  if (!find_user(child, &user, error) || !channel_pair(ends, error))
    return FALSE;
  GPid pid = launch(child->parent, child->role, &user, ends[1], error);
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return FALSE;
  }
  child->pid = pid;
  child->started = g_get_monotonic_time();
  child->unanswered = 0;
  child->channel = channel_new(ends[0], ROLE_PARENT, child->role);
  channel_attach(child->channel, NULL, on_message, child);
  g_child_watch_add(pid, on_child_exit, child);
  return TRUE;
}

static void on_started(Child *child) {
  Parent *parent = child->parent;
  if (child->role == ROLE_IDENTITY)
    parent->identity_timer = g_timeout_add_seconds(IDENTITY_WAIT_S, on_identity_late, parent);
  else
    introduce(parent);
  if (child->role != ROLE_FRONT)
    return;
  listeners_foreach(parent->listeners, pass_listener, parent);
  auth_sockets_foreach(parent->sockets, pass_socket, parent);
}

/* Who the verifier is is asked anew each time: a name that can't be used may have
 * been put right. */
static gboolean on_start_again(gpointer data) {
  Child *child = data;
  child->timer = 0;
  if (child->role == ROLE_VERIFIER)
    start_verifier(child->parent);
  else
    start_child(child);
  return G_SOURCE_REMOVE;
}

static void start_later(Child *child) {
  guint shift = MIN(child->failures, 6);
  guint delay = MIN((guint)FIRST_DELAY_MS << shift, LONGEST_DELAY_MS);
  if (child->timer == 0)
    child->timer = g_timeout_add(child->failures == 0 ? 0 : delay, on_start_again, child);
  child->failures++;
}

/* Before anything has been served a user that is missing is fatal; later it may
 * be there again the next time. */
static void start_child(Child *child) {
  g_autoptr(GError) error = NULL;
  if (child->parent->stopping || child->pid > 0)
    return;
  if (start_process(child, &error)) {
    on_started(child);
    return;
  }
  report("The %s can't be started: %s", role_get_name(child->role), error->message);
  if (child->parent->is_ready)
    start_later(child);
  else
    stop(child->parent, 1);
}

static void report_exit(const Child *child, int status) {
  if (WIFSIGNALED(status))
    report("The %s was ended by signal %d (%s)", role_get_name(child->role), WTERMSIG(status),
           g_strsignal(WTERMSIG(status)));
  else
    report("The %s ended with status %d", role_get_name(child->role), WEXITSTATUS(status));
}

static void replace(Child *child, int status) {
  Parent *parent = child->parent;
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (child->role == ROLE_IDENTITY) {
    g_clear_handle_id(&parent->identity_timer, g_source_remove);
    if (code == ROLE_EXIT_UNSETTLED)
      stop(parent, 1);
    else
      start_child(&parent->verifier);
    return;
  }
  report_exit(child, status);
  if (code == ROLE_EXIT_UNSETTLED)
    stop(parent, 1);
  else if (child->role == ROLE_VERIFIER && code == ROLE_EXIT_OTHER_USER)
    start_verifier(parent);
  else
    start_later(child);
}

/* What a process said just before its end. */
static void hear_out(Child *child) {
  g_auto(Message) message = MESSAGE_INIT;
  if (child->channel != NULL && channel_receive(child->channel, &message, NULL) == CHANNEL_MESSAGE)
    handlers[message.kind](child->parent, &message);
}

static void on_child_exit(GPid pid, int status, gpointer data) {
  Child *child = data;
  g_spawn_close_pid(pid);
  child->pid = 0;
  if (child->role == ROLE_IDENTITY)
    hear_out(child);
  g_clear_pointer(&child->channel, channel_free);
  if (g_get_monotonic_time() - child->started >= STEADY_US)
    child->failures = 0;
  if (!child->parent->stopping)
    replace(child, status);
  end_if_alone(child->parent);
}

/* ---- the whole ---- */

static void set_up(Parent *parent, const char *bus) {
  const ListenerHooks hooks = {pass_listener, withdraw_listener, parent};
  parent->bus = bus;
  parent->is_root = geteuid() == 0;
  parent->loop = g_main_loop_new(NULL, FALSE);
  parent->stores = g_hash_table_new(NULL, NULL);
  parent->listeners = listeners_new(&hooks);
  parent->sockets = auth_sockets_new(pass_socket, parent);
  parent->verifier_name = g_strdup("");
  parent->identity = (Child){.parent = parent, .role = ROLE_IDENTITY};
  parent->verifier = (Child){.parent = parent, .role = ROLE_VERIFIER};
  parent->front = (Child){.parent = parent, .role = ROLE_FRONT};
}

static void clear_child(Child *child) {
  g_clear_pointer(&child->channel, channel_free);
  g_clear_handle_id(&child->timer, g_source_remove);
}

static void tear_down(Parent *parent) {
  clear_child(&parent->identity);
  clear_child(&parent->verifier);
  clear_child(&parent->front);
  g_clear_handle_id(&parent->link.timer, g_source_remove);
  g_free(parent->link.why);
  g_clear_handle_id(&parent->listen_timer, g_source_remove);
  g_clear_handle_id(&parent->identity_timer, g_source_remove);
  g_clear_handle_id(&parent->ping_timer, g_source_remove);
  g_free(parent->status);
  listeners_free(parent->listeners);
  auth_sockets_free(parent->sockets);
  g_hash_table_unref(parent->stores);
  g_main_loop_unref(parent->loop);
  g_free(parent->verifier_name);
}

/* Settings are live: what is read again are the files that they name. */
static gboolean on_hang_up(gpointer data) {
  Parent *parent = data;
  tell(&parent->verifier, MESSAGE_RELOAD, g_variant_new("()"), NULL, 0);
  return G_SOURCE_CONTINUE;
}

/* In time for the service manager's watchdog, if there is one. */
static guint get_ping_interval(void) {
  guint64 watchdog = 0;
  if (sd_watchdog_enabled(0, &watchdog) <= 0)
    return PING_MS;
  return (guint)CLAMP(watchdog / 1000 / 2, 1, PING_MS);
}

int parent_run(const char *bus) {
  Parent parent = {0};
  g_autoptr(GError) error = NULL;
  if (!sandbox_enter_parent(&error)) {
    report("%s", error->message);
    return 1;
  }
  set_up(&parent, bus);
  g_unix_signal_add(SIGTERM, on_stop_signal, &parent);
  g_unix_signal_add(SIGINT, on_stop_signal, &parent);
  g_unix_signal_add(SIGHUP, on_hang_up, &parent);
  parent.ping_timer = g_timeout_add(get_ping_interval(), on_ping_timer, &parent);
  start_child(&parent.front);
  start_verifier(&parent);
  if (!parent.stopping || parent.front.pid > 0)
    g_main_loop_run(parent.loop);
  tear_down(&parent);
  return parent.exit_code;
}
