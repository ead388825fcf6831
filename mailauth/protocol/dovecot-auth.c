/* SPDX-License-Identifier: MIT */
/* dovecot-auth.h: a line, a command, a request. */
#include "mailauth/protocol/dovecot-auth.h"

#include <string.h>

#include "mailauth/base/limits.h"
#include "mailauth/base/line.h"
#include "mailauth/protocol/sasl.h"

/* A request between AUTH and its verdict. */
typedef struct {
  guint32 id;
  gboolean waits; /* for its verdict; else for a CONT */
  gboolean asked; /* it has been handed over, and challenged since */
  SaslExchange sasl;
  char *address;
  char *service;
  GList *place; /* in talking, unless it waits */
} Request;

struct DovecotAuth {
  Line line;
  gboolean has_version;
  GHashTable *requests; /* id -> Request */
  GQueue talking;       /* those that wait for a CONT, the oldest first */
  GArray *dropped;      /* of IDs: they were handed over, and are no longer waited for */
  Surroundings surroundings;
  AuthRequest current;
};

typedef DovecotAuthStep (*Command)(DovecotAuth *machine, char *fields, GString *out);

/* ---- requests ---- */

static void request_free(gpointer data) {
  Request *request = data;
  sasl_clear(&request->sasl);
  g_free(request->address);
  g_free(request->service);
  g_free(request);
}

DovecotAuth *dovecot_auth_new(gboolean has_scram, guint left_out) {
  DovecotAuth *machine = g_new0(DovecotAuth, 1);
  machine->requests = g_hash_table_new_full(NULL, NULL, NULL, request_free);
  g_queue_init(&machine->talking);
  machine->dropped = g_array_new(FALSE, FALSE, sizeof(guint32));
  /* What may travel where is for the asking server to say; it is its TLS, too. */
  machine->surroundings = (Surroundings){
      .takes_passwords = TRUE, .takes_proofs = TRUE, .has_scram = has_scram, .left_out = left_out};
  return machine;
}

void dovecot_auth_free(DovecotAuth *machine) {
  if (machine == NULL)
    return;
  line_clear(&machine->line);
  auth_request_clear(&machine->current);
  g_queue_clear(&machine->talking);
  g_array_unref(machine->dropped);
  g_hash_table_unref(machine->requests);
  g_free(machine);
}

AuthRequest *dovecot_auth_get_request(DovecotAuth *machine) {
  return &machine->current;
}

static Request *find_request(const DovecotAuth *machine, guint32 id) {
  return g_hash_table_lookup(machine->requests, GUINT_TO_POINTER(id));
}

static void stop_talking(DovecotAuth *machine, Request *request) {
  if (request->place != NULL)
    g_queue_delete_link(&machine->talking, request->place);
  request->place = NULL;
}

static void start_talking(DovecotAuth *machine, Request *request) {
  g_queue_push_tail(&machine->talking, request);
  request->place = machine->talking.tail;
}

static void drop_request(DovecotAuth *machine, Request *request) {
  if (request->asked)
    g_array_append_val(machine->dropped, request->id);
  stop_talking(machine, request);
  g_hash_table_remove(machine->requests, GUINT_TO_POINTER(request->id));
}

/* Clients that go in the middle of an exchange leave their requests behind: the
 * oldest of those makes room. NULL: all wait for their verdicts. */
static Request *add_request(DovecotAuth *machine, guint32 id) {
  if (g_hash_table_size(machine->requests) >= MAX_AUTH_REQUESTS) {
    if (machine->talking.head == NULL)
      return NULL;
    drop_request(machine, machine->talking.head->data);
  }
  Request *request = g_new0(Request, 1);
  request->id = id;
  g_hash_table_insert(machine->requests, GUINT_TO_POINTER(id), request);
  start_talking(machine, request);
  return request;
}

/* ---- answers ---- */

static void append_escaped(GString *out, const char *text) {
  static const struct {
    char character;
    char code;
  } escapes[] = {{'\001', '1'}, {'\t', 't'}, {'\r', 'r'}, {'\n', 'n'}};
  for (const char *at = text; *at != '\0'; at++) {
    char code = '\0';
    for (gsize i = 0; i < G_N_ELEMENTS(escapes); i++)
      if (escapes[i].character == *at)
        code = escapes[i].code;
    g_string_append_c(out, code == '\0' ? *at : '\001');
    if (code != '\0')
      g_string_append_c(out, code);
  }
}

static void say_result(const char *word, guint32 id, const char *user, GString *out) {
  g_string_append_printf(out, "%s\t%u", word, id);
  if (user != NULL) {
    g_string_append(out, "\tuser=");
    append_escaped(out, user);
  }
  g_string_append_c(out, '\n');
}

void dovecot_auth_greet(const DovecotAuth *machine, guint process, guint connection,
                        const char *cookie, GString *out) {
  static const char *const properties[N_MECHANISMS] = {[MECHANISM_PLAIN] = "plaintext",
                                                       [MECHANISM_LOGIN] = "plaintext",
                                                       [MECHANISM_SCRAM] = "mutual-auth"};
  g_string_append(out, "VERSION\t1\t2\n");
  for (guint i = 0; i < N_MECHANISMS; i++)
    if (sasl_is_there((Mechanism)i, &machine->surroundings))
      g_string_append_printf(out, "MECH\t%s\t%s\n", mechanism_get_name((Mechanism)i),
                             properties[i]);
  g_string_append_printf(out, "SPID\t%u\nCUID\t%u\nCOOKIE\t%s\nDONE\n", process, connection,
                         cookie);
}

void dovecot_auth_challenge(DovecotAuth *machine, guint32 id, const guint8 *bytes, gsize size,
                            GString *out) {
  Request *request = find_request(machine, id);
  if (request == NULL || !request->waits)
    return;
  g_string_append_printf(out, "CONT\t%u\t", id);
  sasl_append_challenge(bytes, size, out);
  g_string_append_c(out, '\n');
  request->waits = FALSE;
  request->asked = TRUE;
  start_talking(machine, request);
}

gboolean dovecot_auth_take_dropped(DovecotAuth *machine, guint32 *id) {
  guint count = machine->dropped->len;
  if (count == 0)
    return FALSE;
  *id = g_array_index(machine->dropped, guint32, count - 1);
  g_array_set_size(machine->dropped, count - 1);
  return TRUE;
}

DovecotAuthStep dovecot_auth_answer(DovecotAuth *machine, guint32 id, AuthVerdict verdict,
                                    const char *user, GString *out) {
  Request *request = find_request(machine, id);
  if (request == NULL || !request->waits)
    return DOVECOT_AUTH_READ;
  drop_request(machine, request);
  if (verdict == AUTH_OUTAGE)
    return DOVECOT_AUTH_CLOSE;
  say_result(verdict == AUTH_RIGHT ? "OK" : "FAIL", id, user, out);
  return DOVECOT_AUTH_READ;
}

/* ---- the exchange ---- */

/* Hands the request over: what it waits for then is its verdict. */
static DovecotAuthStep hand_over(DovecotAuth *machine, Request *request) {
  stop_talking(machine, request);
  request->waits = TRUE;
  machine->current.id = request->id;
  machine->current.address = g_steal_pointer(&request->address);
  machine->current.service = g_strdup(request->service);
  request->asked = FALSE;
  return DOVECOT_AUTH_LOGIN;
}

static DovecotAuthStep take_response(DovecotAuth *machine, Request *request, const char *response,
                                     GString *out) {
  g_autoptr(GString) challenge = g_string_new(NULL);
  SaslResult result =
      sasl_respond(&request->sasl, response, challenge, &machine->current.credentials);
  if (result == SASL_DONE || result == SASL_ASK)
    return hand_over(machine, request);
  if (result == SASL_CHALLENGE) {
    g_string_append_printf(out, "CONT\t%u\t%s\n", request->id, challenge->str);
    return DOVECOT_AUTH_READ;
  }
  say_result("FAIL", request->id, NULL, out);
  drop_request(machine, request);
  return DOVECOT_AUTH_READ;
}

/* ---- commands ---- */

/* Up to the next tab; moves *@fields on, to NULL after the last one. */
static char *next_field(char **fields) {
  char *field = *fields;
  char *tab = field == NULL ? NULL : strchr(field, '\t');
  if (tab != NULL)
    *tab = '\0';
  *fields = tab == NULL ? NULL : tab + 1;
  return field;
}

static gboolean take_id(char **fields, guint32 *id) {
  guint64 number = 0;
  const char *text = next_field(fields);
  if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, &number, NULL))
    return FALSE;
  *id = (guint32)number;
  return TRUE;
}

/* Minor versions add what the other side may pass over (Exim says 1.0). */
static DovecotAuthStep do_version(DovecotAuth *machine, char *fields, G_GNUC_UNUSED GString *out) {
  const char *major = next_field(&fields);
  machine->has_version = g_strcmp0(major, "1") == 0;
  return machine->has_version ? DOVECOT_AUTH_READ : DOVECOT_AUTH_CLOSE;
}

/* Of the parameters three matter here: none's value has a character that is
 * ever escaped. What is unknown is passed over. The response is the last one; an
 * empty one is none: Exim adds it always. */
static const char *take_parameters(Request *request, char *fields) {
  while (fields != NULL) {
    const char *field = next_field(&fields);
    if (g_str_has_prefix(field, "resp="))
      return field[strlen("resp=")] == '\0' ? NULL : field + strlen("resp=");
    const char *value = strchr(field, '=');
    value = value != NULL ? value + 1 : "";
    if (g_str_has_prefix(field, "rip=")) {
      g_free(request->address);
      request->address = auth_address_new(value, strlen(value));
    } else if (g_str_has_prefix(field, "service=")) {
      g_free(request->service);
      request->service = auth_service_new(value, strlen(value));
    }
  }
  return NULL;
}

/* A mechanism that is not offered is refused, as a wrong password is: were the
 * connection closed, a client could make any number of outages up. */
static DovecotAuthStep do_auth(DovecotAuth *machine, char *fields, GString *out) {
  guint32 id = 0;
  if (!take_id(&fields, &id) || find_request(machine, id) != NULL)
    return DOVECOT_AUTH_CLOSE;
  const char *mechanism = next_field(&fields);
  SaslExchange exchange = {0};
  if (mechanism == NULL || sasl_begin(&exchange, mechanism, &machine->surroundings) != SASL_BEGUN) {
    say_result("FAIL", id, NULL, out);
    return DOVECOT_AUTH_READ;
  }
  Request *request = add_request(machine, id);
  if (request == NULL)
    return DOVECOT_AUTH_CLOSE;
  request->sasl = exchange;
  return take_response(machine, request, take_parameters(request, fields), out);
}

static DovecotAuthStep do_cont(DovecotAuth *machine, char *fields, GString *out) {
  guint32 id = 0;
  if (!take_id(&fields, &id))
    return DOVECOT_AUTH_CLOSE;
  Request *request = find_request(machine, id);
  if (request == NULL) {
    say_result("FAIL", id, NULL, out);
    return DOVECOT_AUTH_READ;
  }
  if (request->waits)
    return DOVECOT_AUTH_CLOSE;
  return take_response(machine, request, fields == NULL ? "" : fields, out);
}

static DovecotAuthStep do_cancel(DovecotAuth *machine, char *fields, G_GNUC_UNUSED GString *out) {
  guint32 id = 0;
  if (!take_id(&fields, &id))
    return DOVECOT_AUTH_CLOSE;
  Request *request = find_request(machine, id);
  if (request == NULL)
    return DOVECOT_AUTH_READ;
  gboolean waited = request->waits || request->asked;
  request->asked = FALSE;
  drop_request(machine, request);
  machine->current.id = id;
  return waited ? DOVECOT_AUTH_CANCEL : DOVECOT_AUTH_READ;
}

/* Requests of the protocol that only other programs of Dovecot's speak, on another socket.
 * They wait for an answer; only an end tells them that there will be none. */
static DovecotAuthStep refuse_master(G_GNUC_UNUSED DovecotAuth *machine, G_GNUC_UNUSED char *fields,
                                     G_GNUC_UNUSED GString *out) {
  return DOVECOT_AUTH_CLOSE;
}

/* Commands that are not known are for later versions of the protocol. */
static DovecotAuthStep take_line(DovecotAuth *machine, GString *out) {
  static const struct {
    const char *name;
    Command run;
  } commands[] = {{"VERSION", do_version}, {"AUTH", do_auth},        {"CONT", do_cont},
                  {"CANCEL", do_cancel},   {"USER", refuse_master},  {"PASS", refuse_master},
                  {"LIST", refuse_master}, {"MASTER", refuse_master}};
  if (line_has_nul(&machine->line))
    return DOVECOT_AUTH_CLOSE;
  char *fields = (char *)machine->line.text.bytes;
  const char *name = next_field(&fields);
  if (!machine->has_version && g_strcmp0(name, "VERSION") != 0)
    return DOVECOT_AUTH_CLOSE;
  for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
    if (g_strcmp0(commands[i].name, name) == 0)
      return commands[i].run(machine, fields, out);
  return DOVECOT_AUTH_READ;
}

DovecotAuthStep dovecot_auth_feed(DovecotAuth *machine, const guint8 **input, gsize *size,
                                  GString *out) {
  auth_request_clear(&machine->current);
  while (*size > 0) {
    LineResult result = line_feed(&machine->line, input, size, MAX_AUTH_LINE);
    if (result == LINE_MORE)
      break;
    DovecotAuthStep step = result == LINE_DONE ? take_line(machine, out) : DOVECOT_AUTH_CLOSE;
    line_clear(&machine->line);
    if (step != DOVECOT_AUTH_READ)
      return step;
    auth_request_clear(&machine->current);
  }
  return DOVECOT_AUTH_READ;
}
