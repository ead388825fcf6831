/* Mailboxes at a mail server behind: see backend.h. The conversation itself is
 * backend-dialog.c; here are names, sockets, TLS, time, and the handing over. */
#include "mailauth/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailauth/address.h"
#include "mailauth/backend-dialog.h"
#include "mailauth/limits.h"
#include "mailauth/pump.h"

#define BACKEND_SECONDS 15
/* A line of the server's, and all it may say before it has answered. */
#define MAX_LINE 8192U

typedef struct Attempt Attempt;

struct Backends {
  Prover *lookups;
  GHashTable *attempts; /* a set of Attempt */
  GHashTable *pumps;    /* a set of Pump */
  SSL_CTX *verifying;   /* made when it is needed first */
  SSL_CTX *trusting;    /* for servers on this machine */
};

/* A look-up outlives its attempt where that is given up. */
typedef struct {
  Attempt *attempt; /* NULL: nobody waits any more */
  char *host;
  char port[8];
  struct addrinfo *addresses;
  int code;
} Lookup;

struct Attempt {
  Backends *backends;
  char *host;
  gboolean tls;
  BackendDialog *dialog;
  Lookup *lookup; /* under way */
  struct addrinfo *addresses, *next;
  BackendStream *stream;
  gboolean greeted; /* connected, and TLS stands */
  GString *in, *out;
  char *problem; /* with the last address */
  guint timer;
  BackendOpened opened;
  gpointer data;
};

Backends *backends_new(Prover *lookups) {
  Backends *backends = g_new0(Backends, 1);
  backends->lookups = lookups;
  backends->attempts = g_hash_table_new(NULL, NULL);
  backends->pumps = g_hash_table_new_full(NULL, NULL, (GDestroyNotify)pump_free, NULL);
  return backends;
}

static void wipe_string(GString *string) {
  explicit_bzero(string->str, string->allocated_len);
  g_string_free(string, TRUE);
}

static void attempt_free(Attempt *attempt) {
  g_hash_table_remove(attempt->backends->attempts, attempt);
  if (attempt->lookup != NULL)
    attempt->lookup->attempt = NULL;
  if (attempt->addresses != NULL)
    freeaddrinfo(attempt->addresses);
  if (attempt->timer != 0)
    g_source_remove(attempt->timer);
  backend_stream_free(attempt->stream);
  backend_dialog_free(attempt->dialog);
  g_string_free(attempt->in, TRUE);
  wipe_string(attempt->out);
  g_free(attempt->problem);
  g_free(attempt->host);
  g_free(attempt);
}

void backends_free(Backends *backends) {
  if (backends == NULL)
    return;
  g_autoptr(GList) attempts = g_hash_table_get_keys(backends->attempts);
  for (GList *link = attempts; link != NULL; link = link->next)
    attempt_free(link->data);
  g_hash_table_unref(backends->attempts);
  g_hash_table_unref(backends->pumps);
  SSL_CTX_free(backends->verifying);
  SSL_CTX_free(backends->trusting);
  g_free(backends);
}

guint backends_count_pumps(const Backends *backends) {
  return g_hash_table_size(backends->pumps);
}

/* ---- the end of an attempt ---- */

static void fail(Attempt *attempt, Outcome outcome, const char *what) {
  g_autofree char *detail = g_strdup_printf("%s: %s", attempt->host, what);
  const BackendResult result = {.outcome = outcome, .detail = detail, .descriptor = -1};
  BackendOpened opened = attempt->opened;
  gpointer data = attempt->data;
  attempt_free(attempt);
  opened(&result, data);
}

static gboolean on_late(gpointer data) {
  Attempt *attempt = data;
  attempt->timer = 0;
  fail(attempt, OUTCOME_BACKEND_UNREACHABLE, "it does not answer in time");
  return G_SOURCE_REMOVE;
}

static void on_pump_ended(Pump *pump, gpointer data) {
  const Backends *backends = data;
  g_hash_table_remove(backends->pumps, pump);
}

/* The stream that the dialogue was on is freed, not handed on: its TLS is in
 * the middle of a connection, and goes to the pump as it is. */
static int hand_to_pump(Attempt *attempt) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return -1;
  Backends *backends = attempt->backends;
  Pump *pump = pump_new(on_pump_ended, backends);
  g_hash_table_add(backends->pumps, pump);
  BackendStream *server = g_steal_pointer(&attempt->stream);
  backend_stream_set_ready(server, pump_ready, pump);
  BackendStream *front = backend_stream_new(ends[0], NULL, NULL, pump_ready, pump);
  pump_start(pump, server, front);
  return ends[1];
}

static void succeed(Attempt *attempt) {
  g_autofree char *capabilities = g_strdup(backend_dialog_get_capabilities(attempt->dialog));
  g_autoptr(GBytes) pending = g_bytes_new(attempt->in->str, attempt->in->len);
  int descriptor =
      attempt->tls ? hand_to_pump(attempt) : backend_stream_steal_descriptor(attempt->stream);
  if (descriptor < 0) {
    fail(attempt, OUTCOME_BACKEND_UNREACHABLE, g_strerror(errno));
    return;
  }
  const BackendResult result = {OUTCOME_OK, NULL, descriptor, capabilities, pending};
  BackendOpened opened = attempt->opened;
  gpointer data = attempt->data;
  attempt_free(attempt);
  opened(&result, data);
}

/* ---- the conversation ---- */

/* One line that is there whole, or NULL. */
static char *take_line(GString *in) {
  char *end = memchr(in->str, '\n', in->len);
  if (end == NULL)
    return NULL;
  gsize size = (gsize)(end - in->str);
  gsize length = size > 0 && in->str[size - 1] == '\r' ? size - 1 : size;
  char *line = g_strndup(in->str, length);
  g_string_erase(in, 0, (gssize)size + 1);
  return line;
}

/* TRUE where the attempt goes on. */
static gboolean answer_lines(Attempt *attempt) {
  for (;;) {
    g_autofree char *line = take_line(attempt->in);
    if (line == NULL)
      break;
    Outcome outcome = OUTCOME_BACKEND_REFUSED;
    DialogResult result = backend_dialog_feed(attempt->dialog, line, attempt->out, &outcome);
    if (result == DIALOG_GO_ON)
      continue;
    if (result == DIALOG_DONE)
      succeed(attempt);
    else
      fail(attempt, outcome, line);
    return FALSE;
  }
  if (attempt->in->len <= MAX_LINE)
    return TRUE;
  fail(attempt, OUTCOME_BACKEND_REFUSED, "its answer has no end");
  return FALSE;
}

/* TRUE where all is sent, or the rest has to wait. */
static gboolean send_out(Attempt *attempt) {
  while (attempt->out->len > 0) {
    gsize size = attempt->out->len;
    BackendStreamResult result = backend_stream_write(attempt->stream, attempt->out->str, &size);
    if (result == BACKEND_STREAM_AGAIN)
      return TRUE;
    if (result != BACKEND_STREAM_DONE)
      return FALSE;
    g_string_erase(attempt->out, 0, (gssize)size);
  }
  return TRUE;
}

/* TRUE where it is to be gone on with. */
static gboolean converse(Attempt *attempt) {
  char bytes[1024];
  while (send_out(attempt)) {
    gsize size = sizeof bytes;
    BackendStreamResult result = backend_stream_read(attempt->stream, bytes, &size);
    if (result == BACKEND_STREAM_AGAIN)
      return TRUE;
    if (result != BACKEND_STREAM_DONE) {
      fail(attempt, OUTCOME_BACKEND_UNREACHABLE, "it has closed the connection");
      return FALSE;
    }
    g_string_append_len(attempt->in, bytes, (gssize)size);
    if (!answer_lines(attempt))
      return FALSE;
  }
  fail(attempt, OUTCOME_BACKEND_UNREACHABLE, "it takes nothing more");
  return FALSE;
}

/* ---- connecting ---- */

static void try_next(Attempt *attempt);

static void on_ready(gpointer data) {
  Attempt *attempt = data;
  if (!attempt->greeted) {
    g_autoptr(GError) error = NULL;
    BackendStreamResult result = backend_stream_handshake(attempt->stream, &error);
    if (result == BACKEND_STREAM_FAILED) {
      g_free(attempt->problem);
      attempt->problem = g_strdup(error->message);
      try_next(attempt);
      return;
    }
    attempt->greeted = result == BACKEND_STREAM_DONE;
  }
  if (attempt->greeted && !converse(attempt))
    return;
  backend_stream_watch(attempt->stream, attempt->out->len > 0 ? G_IO_IN | G_IO_OUT : G_IO_IN);
}

static SSL_CTX *get_context(Backends *backends, const struct sockaddr *address) {
  gboolean local = address_is_local(address);
  SSL_CTX **context = local ? &backends->trusting : &backends->verifying;
  if (*context != NULL)
    return *context;
  *context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(*context, TLS1_2_VERSION);
  SSL_CTX_set_default_verify_paths(*context);
  SSL_CTX_set_verify(*context, local ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
  return *context;
}

static int start_connecting(const struct addrinfo *address) {
  int one = 1;
  int descriptor =
      socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
  if (descriptor < 0)
    return -1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(descriptor, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS)
    return descriptor;
  int number = errno;
  close(descriptor);
  errno = number;
  return -1;
}

static void try_next(Attempt *attempt) {
  g_clear_pointer(&attempt->stream, backend_stream_free);
  while (attempt->next != NULL) {
    const struct addrinfo *address = attempt->next;
    attempt->next = address->ai_next;
    int descriptor = start_connecting(address);
    if (descriptor >= 0) {
      SSL_CTX *tls = attempt->tls ? get_context(attempt->backends, address->ai_addr) : NULL;
      attempt->stream = backend_stream_new(descriptor, tls, attempt->host, on_ready, attempt);
      backend_stream_watch(attempt->stream, G_IO_OUT);
      return;
    }
    g_free(attempt->problem);
    attempt->problem = g_strdup(g_strerror(errno));
  }
  g_autofree char *problem = g_steal_pointer(&attempt->problem);
  fail(attempt, OUTCOME_BACKEND_UNREACHABLE, problem != NULL ? problem : "it has no address");
}

/* ---- names ---- */

static void look_up(gpointer job) {
  Lookup *lookup = job;
  const struct addrinfo hints = {
      .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  lookup->code = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->addresses);
}

static void looked_up(gpointer job) {
  Lookup *lookup = job;
  Attempt *attempt = lookup->attempt;
  struct addrinfo *addresses = g_steal_pointer(&lookup->addresses);
  int code = lookup->code;
  g_free(lookup->host);
  g_free(lookup);
  if (attempt == NULL) {
    if (addresses != NULL)
      freeaddrinfo(addresses);
    return;
  }
  attempt->lookup = NULL;
  attempt->addresses = addresses;
  attempt->next = addresses;
  if (code != 0)
    fail(attempt, OUTCOME_BACKEND_UNREACHABLE, gai_strerror(code));
  else
    try_next(attempt);
}

void backends_open(Backends *backends, const ProtocolSettings *settings, const char *account,
                   BackendOpened opened, gpointer data) {
  Attempt *attempt = g_new0(Attempt, 1);
  attempt->backends = backends;
  attempt->host = g_strdup(settings->backend.host);
  attempt->tls = settings->backend.tls;
  attempt->dialog =
      backend_dialog_new(settings->backend.protocol, account, settings->backend_master_user,
                         settings->backend_master_password);
  attempt->in = g_string_new(NULL);
  /* Room for the credentials, so that it is not moved while it holds them. */
  attempt->out = g_string_sized_new(MAX_LINE);
  attempt->opened = opened;
  attempt->data = data;
  attempt->timer = g_timeout_add_seconds(BACKEND_SECONDS, on_late, attempt);
  g_hash_table_add(backends->attempts, attempt);
  Lookup *lookup = g_new0(Lookup, 1);
  lookup->attempt = attempt;
  lookup->host = g_strdup(attempt->host);
  g_snprintf(lookup->port, sizeof lookup->port, "%u", settings->backend.port);
  attempt->lookup = lookup;
  prover_submit(backends->lookups, look_up, looked_up, lookup);
}
