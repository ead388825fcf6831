/* SPDX-License-Identifier: MIT */
/* POP3 clients for measuring a mail server, many at once: full sessions one after
 * another, from a thread for each processor, or connections that say nothing. Loopback only,
 * bounded in number and time. It knows nothing of the server that it talks to.
 *
 *   logins load PORT plain|tls|resume CLIENTS SECONDS USERS PASSWORD
 *       the users are user0, user1, ..., a multiple of the clients; a client logs in
 *       as one after another of those that are its own; prints sessions, seconds,
 *       failures, the median and the 99th percentile in us, the processor time that
 *       it took itself in us, and how many sessions of TLS were resumed
 *   logins idle PORT plain|tls NUMBER PASSWORD
 *       prints a line once all are connected and greeted; then for each line on
 *       standard input logs user0 in beside them and prints the us it took;
 *       at its end it tells how many of the idle connections still stand */
#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_CLIENTS 20000
#define MOST_SECONDS 600
#define MOST_USERS 1000000
#define LINE_SIZE 1024
/* Idle clients of one address: fewer than servers usually let one have. */
#define CLIENTS_PER_ADDRESS 50
/* Idle connections that are being made at one time. */
#define CONNECTING_AT_ONCE 200
#define CONNECT_MS 60000

typedef enum { STAGE_HANDSHAKE, STAGE_GREETING, STAGE_USER, STAGE_PASS, STAGE_QUIT } Stage;
typedef enum { TLS_NONE, TLS_FULL, TLS_RESUMED } TlsUse;

typedef struct Client Client;

typedef struct {
  int poll;
  guint16 port;
  TlsUse tls;
  SSL_CTX *context;
  const char *password;
  /* What a client does at the end of a session, or of its greeting where it stays idle. */
  void (*finished)(Client *client, gboolean well);
  gboolean stays; /* idle after the greeting */
  gboolean ended;
  GArray *times; /* of gint64, us, of sessions that went well */
  guint failures;
  guint resumed;
  guint standing;
  guint clients, users; /* of all threads */
} Load;

struct Client {
  Load *load;
  guint number;    /* of the user that it is */
  guint32 address; /* its own, in host order */
  int descriptor;
  SSL *tls;
  SSL_SESSION *session;
  Stage stage;
  guint32 events;
  char line[LINE_SIZE];
  gsize filled;
  gint64 begun;
};

static void fail(const char *what) {
  (void)fprintf(stderr, "logins: %s: %s\n", what, g_strerror(errno));
  exit(1);
}

/* ---- bytes ---- */

static void wait_for(Client *client, guint32 events) {
  struct epoll_event event = {.events = events, .data.ptr = client};
  if (client->events != events)
    epoll_ctl(client->load->poll, client->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
              client->descriptor, &event);
  client->events = events;
}

/* TRUE where the TLS call has only to be repeated later. */
static gboolean must_wait(Client *client, int result) {
  int problem = SSL_get_error(client->tls, result);
  ERR_clear_error();
  if (problem != SSL_ERROR_WANT_READ && problem != SSL_ERROR_WANT_WRITE)
    return FALSE;
  wait_for(client, problem == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
  return TRUE;
}

/* Commands are short: the socket takes them whole. */
static gboolean say(Client *client, const char *command, const char *argument) {
  char line[LINE_SIZE];
  int size = g_snprintf(line, sizeof line, "%s%s\r\n", command, argument);
  if (client->tls != NULL)
    return SSL_write(client->tls, line, size) == size;
  return send(client->descriptor, line, (gsize)size, MSG_NOSIGNAL) == size;
}

/* Bytes read; 0: none now; -1: the connection is over. @more: whether others may
 * have come with them; of what comes later epoll tells. */
static gssize hear(Client *client, gboolean *more) {
  char *room = client->line + client->filled;
  gsize size = sizeof client->line - client->filled;
  *more = client->tls != NULL;
  if (client->tls != NULL) {
    int count = SSL_read(client->tls, room, (int)size);
    return count > 0 ? count : must_wait(client, count) ? 0 : -1;
  }
  gssize count = recv(client->descriptor, room, size, 0);
  return count > 0 ? count : count < 0 && errno == EAGAIN ? 0 : -1;
}

/* ---- one session ---- */

static void finish(Client *client, gboolean well) {
  /* As mail clients do; a session that just ends is not taken up again, either. */
  if (well && client->tls != NULL)
    SSL_shutdown(client->tls);
  SSL_free(client->tls);
  client->tls = NULL;
  if (client->descriptor >= 0)
    close(client->descriptor);
  client->descriptor = -1;
  client->load->finished(client, well);
}

static gboolean say_next(Client *client) {
  char user[32];
  switch (client->stage) {
  case STAGE_GREETING:
    g_snprintf(user, sizeof user, "user%u", client->number);
    return say(client, "USER ", user);
  case STAGE_USER:
    return say(client, "PASS ", client->load->password);
  case STAGE_PASS:
    return say(client, "QUIT", "");
  default:
    return FALSE;
  }
}

/* FALSE once the session is over. */
static gboolean take_line(Client *client) {
  gboolean well = client->line[0] == '+';
  client->filled = 0;
  if (well && client->stage == STAGE_GREETING && client->load->stays) {
    client->load->finished(client, TRUE);
    return FALSE;
  }
  if (well && client->stage != STAGE_QUIT && say_next(client)) {
    client->stage++;
    return TRUE;
  }
  finish(client, well && client->stage == STAGE_QUIT);
  return FALSE;
}

static gboolean shake_hands(Client *client) {
  int result = SSL_do_handshake(client->tls);
  if (result == 1) {
    client->load->resumed += SSL_session_reused(client->tls) ? 1 : 0;
    client->stage = STAGE_GREETING;
    wait_for(client, EPOLLIN);
    return TRUE;
  }
  if (!must_wait(client, result))
    finish(client, FALSE);
  return FALSE;
}

static void go_on(Client *client) {
  if (client->stage == STAGE_HANDSHAKE && !shake_hands(client))
    return;
  gssize count = 0;
  gboolean more = TRUE;
  while (more && (count = hear(client, &more)) > 0) {
    client->filled += (gsize)count;
    if (memchr(client->line, '\n', client->filled) != NULL && !take_line(client))
      return;
  }
  if (count < 0 || client->filled == sizeof client->line)
    finish(client, FALSE);
}

/* ---- connecting ---- */

static void begin_tls(Client *client) {
  client->tls = SSL_new(client->load->context);
  SSL_set_fd(client->tls, client->descriptor);
  SSL_set_connect_state(client->tls);
  SSL_set_app_data(client->tls, client);
  if (client->session != NULL)
    SSL_set_session(client->tls, client->session);
}

/* The usual one is taken of itself. */
static void take_address(const Client *client) {
  const int on = 1;
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(client->address)};
  if (client->address == INADDR_LOOPBACK)
    return;
  setsockopt(client->descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind(client->descriptor, (struct sockaddr *)&own, sizeof own) != 0)
    fail("bind");
}

static void connect_client(Client *client) {
  struct sockaddr_in server = {.sin_family = AF_INET,
                               .sin_port = htons(client->load->port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  client->begun = g_get_monotonic_time();
  client->filled = 0;
  client->events = 0;
  client->stage = client->load->tls == TLS_NONE ? STAGE_GREETING : STAGE_HANDSHAKE;
  client->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (client->descriptor < 0)
    fail("socket");
  take_address(client);
  if (connect(client->descriptor, (struct sockaddr *)&server, sizeof server) != 0 &&
      errno != EINPROGRESS)
    fail("connect");
  if (client->load->tls != TLS_NONE)
    begin_tls(client);
  wait_for(client, client->load->tls == TLS_NONE ? EPOLLIN : EPOLLOUT);
}

static int keep_session(SSL *tls, SSL_SESSION *session) {
  Client *client = SSL_get_app_data(tls);
  if (client->load->tls != TLS_RESUMED)
    return 0;
  SSL_SESSION_free(client->session);
  client->session = session;
  return 1;
}

/* @arguments: of the program. */
static void set_up(Load *load, char **arguments) {
  const char *tls = arguments[3];
  *load = (Load){.port = (guint16)g_ascii_strtoull(arguments[2], NULL, 10),
                 .password = arguments[g_strv_length(arguments) - 1],
                 .tls = g_str_equal(tls, "plain") ? TLS_NONE
                        : g_str_equal(tls, "tls") ? TLS_FULL
                                                  : TLS_RESUMED};
  load->times = g_array_new(FALSE, FALSE, sizeof(gint64));
  load->poll = epoll_create1(EPOLL_CLOEXEC);
  load->context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(load->context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(load->context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(load->context, keep_session);
}

static void tear_down(Load *load) {
  g_array_unref(load->times);
  SSL_CTX_free(load->context);
  close(load->poll);
}

/* One round of the loop, which waits at most so long: what there was to do. */
static int turn(const Load *load, int wait_ms) {
  struct epoll_event events[64];
  int count = epoll_wait(load->poll, events, G_N_ELEMENTS(events), wait_ms);
  for (int i = 0; i < count; i++)
    go_on(events[i].data.ptr);
  return count;
}

/* ---- sessions one after another ---- */

static void start_next(Client *client, gboolean well) {
  Load *load = client->load;
  gint64 time = g_get_monotonic_time() - client->begun;
  if (well)
    g_array_append_val(load->times, time);
  else
    load->failures++;
  client->number = (client->number + load->clients) % load->users;
  if (!load->ended)
    connect_client(client);
}

static int compare(gconstpointer a, gconstpointer b) {
  gint64 difference = *(const gint64 *)a - *(const gint64 *)b;
  return (difference > 0) - (difference < 0);
}

static gint64 percentile(const GArray *times, guint percent) {
  return times->len == 0 ? 0 : g_array_index(times, gint64, (times->len - 1) * percent / 100);
}

static gint64 get_own_time(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC + usage.ru_utime.tv_usec +
         usage.ru_stime.tv_usec;
}

static void free_client(Client *client) {
  if (client->descriptor >= 0)
    close(client->descriptor);
  SSL_free(client->tls);
  SSL_SESSION_free(client->session);
}

static guint get_number(const char *text, guint most) {
  guint64 number = g_ascii_strtoull(text, NULL, 10);
  return (guint)CLAMP(number, 1, most);
}

/* @first: the number of the first. */
static Client *new_clients(Load *load, guint first, guint number) {
  Client *clients = g_new0(Client, number);
  for (guint i = 0; i < number; i++)
    clients[i] = (Client){
        .load = load,
        .number = first + i,
        .descriptor = -1,
        .address = INADDR_LOOPBACK + (load->stays ? i / CLIENTS_PER_ADDRESS : 0),
    };
  return clients;
}

/* One thread of clients. */
typedef struct {
  Load load;
  guint first, number;
  gint64 end;
} Crowd;

static gpointer run_crowd(gpointer data) {
  Crowd *crowd = data;
  Client *clients = new_clients(&crowd->load, crowd->first, crowd->number);
  for (guint i = 0; i < crowd->number; i++)
    connect_client(&clients[i]);
  while (g_get_monotonic_time() < crowd->end)
    turn(&crowd->load, 10);
  crowd->load.ended = TRUE;
  for (guint i = 0; i < crowd->number; i++)
    free_client(&clients[i]);
  g_free(clients);
  return NULL;
}

static void add_results(Load *load, const Load *part) {
  g_array_append_vals(load->times, part->times->data, part->times->len);
  load->failures += part->failures;
  load->resumed += part->resumed;
}

static int run_load(Load *load, char **arguments) {
  guint number = get_number(arguments[4], MOST_CLIENTS);
  guint seconds = get_number(arguments[5], MOST_SECONDS);
  guint users = get_number(arguments[6], MOST_USERS);
  guint n_crowds = MIN(g_get_num_processors(), number);
  Crowd *crowds = g_new0(Crowd, n_crowds);
  GThread **threads = g_new0(GThread *, n_crowds);
  gint64 begun = g_get_monotonic_time();
  for (guint i = 0; i < n_crowds; i++) {
    guint first = number * i / n_crowds;
    crowds[i] = (Crowd){.first = first,
                        .number = number * (i + 1) / n_crowds - first,
                        .end = begun + (gint64)seconds * G_USEC_PER_SEC};
    set_up(&crowds[i].load, arguments);
    crowds[i].load.finished = start_next;
    crowds[i].load.clients = number;
    crowds[i].load.users = MAX(number, users);
    threads[i] = g_thread_new("clients", run_crowd, &crowds[i]);
  }
  for (guint i = 0; i < n_crowds; i++) {
    g_thread_join(threads[i]);
    add_results(load, &crowds[i].load);
    tear_down(&crowds[i].load);
  }
  double took = (double)(g_get_monotonic_time() - begun) / G_USEC_PER_SEC;
  g_array_sort(load->times, compare);
  g_print("%u %.3f %u %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %u\n",
          load->times->len, took, load->failures, percentile(load->times, 50),
          percentile(load->times, 99), get_own_time(), load->resumed);
  g_free(threads);
  g_free(crowds);
  return 0;
}

/* ---- idle connections ---- */

static void note_standing(Client *client, gboolean well) {
  if (well)
    client->load->standing++;
  else
    client->load->failures++;
}

static void note_time(Client *client, gboolean well) {
  Load *load = client->load;
  gint64 time = well ? g_get_monotonic_time() - client->begun : -1;
  g_array_append_val(load->times, time);
}

/* The time in us of one login, -1 where it was refused. */
static gint64 log_in_once(const Load *idle, guint32 address) {
  Load load = *idle;
  Client client = {.load = &load, .descriptor = -1, .address = address};
  load.stays = FALSE;
  load.finished = note_time;
  load.poll = epoll_create1(EPOLL_CLOEXEC);
  load.times = g_array_new(FALSE, FALSE, sizeof(gint64));
  connect_client(&client);
  while (load.times->len == 0)
    turn(&load, CONNECT_MS);
  gint64 time = g_array_index(load.times, gint64, 0);
  g_array_unref(load.times);
  close(load.poll);
  free_client(&client);
  return time;
}

/* Those that the server has not ended, by what the loop still hears. */
static guint count_standing(Load *load) {
  guint before = load->failures;
  while (turn(load, 0) > 0)
    continue;
  return load->standing - (load->failures - before);
}

static int run_idle(Load *load, guint number) {
  char line[LINE_SIZE];
  load->stays = TRUE;
  load->finished = note_standing;
  Client *clients = new_clients(load, 0, number);
  gint64 end = g_get_monotonic_time() + (gint64)CONNECT_MS * 1000;
  guint started = 0;
  while (load->standing + load->failures < number && g_get_monotonic_time() < end) {
    while (started < number && started - load->standing - load->failures < CONNECTING_AT_ONCE)
      connect_client(&clients[started++]);
    turn(load, 100);
  }
  g_print("%u %u\n", load->standing, load->failures);
  while (fgets(line, sizeof line, stdin) != NULL)
    g_print("%" G_GINT64_FORMAT "\n",
            log_in_once(load, INADDR_LOOPBACK + number / CLIENTS_PER_ADDRESS + 1));
  g_print("%u\n", count_standing(load));
  for (guint i = 0; i < number; i++)
    free_client(&clients[i]);
  g_free(clients);
  return 0;
}

/* Every connection is a descriptor. */
static void raise_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int count, char **arguments) {
  Load load;
  gboolean sessions = count == 8 && g_str_equal(arguments[1], "load");
  if (!sessions && (count != 6 || !g_str_equal(arguments[1], "idle"))) {
    (void)fputs("usage: logins load PORT plain|tls|resume CLIENTS SECONDS USERS PASSWORD\n"
                "       logins idle PORT plain|tls NUMBER PASSWORD\n",
                stderr);
    return 2;
  }
  raise_limit();
  (void)setvbuf(stdout, NULL, _IOLBF, 0);
  set_up(&load, arguments);
  int code = sessions ? run_load(&load, arguments)
                      : run_idle(&load, get_number(arguments[4], MOST_CLIENTS));
  tear_down(&load);
  return code;
}
