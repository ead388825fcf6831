/* SPDX-License-Identifier: MIT */
/* The verifier's end of the channel to a front: see front-link.h. */
#include "mailauth/verifier/front-link.h"

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "mailauth/base/limits.h"

/* How long a question waits so that several share one round trip to regd, in ms. */
#define QUESTION_DELAY_MS 5U

struct FrontLink {
  Channel *channel;
  FrontLinkTools tools;
  GHashTable *pending; /* the front's number of a login -> Pending */
  FrontLinkEvents events;
  gpointer data;
  guint ending; /* the channel is of no more use: an idle source */
  char *why;    /* "": the front ended it */
  guint64 last_request;
  GPtrArray *questions; /* of SettingsQuestion */
};

/* A front that asks whether its settings are current. */
typedef struct {
  FrontLink *link; /* NULL: it has gone */
  guint64 id;
} SettingsQuestion;

/* A login that the front waits for. */
typedef struct {
  FrontLink *link;
  guint64 id;
  Login *login;       /* NULL as long as there is only an exchange */
  Exchange *exchange; /* NULL otherwise */
  Protocol protocol;  /* of an exchange, as the next */
  EventClient *client;
} Pending;

static void pending_free(gpointer data) {
  Pending *pending = data;
  exchange_free(pending->exchange);
  event_client_free(pending->client);
  g_free(pending);
}

/* Its client has gone. */
static void cancel(const Pending *pending) {
  if (pending->login != NULL)
    login_cancel(pending->login);
}

static gboolean on_ending(gpointer data) {
  FrontLink *link = data;
  link->ending = 0;
  link->events.ended(link->why, link->data);
  return G_SOURCE_REMOVE;
}

/* Later, from the loop, since the sender is in the middle of something; but before
 * anything else that the front says, however much that is. */
static void end_soon(FrontLink *link, const char *why) {
  if (link->ending != 0)
    return;
  link->why = g_strdup(why);
  link->ending = g_idle_add_full(G_PRIORITY_HIGH, on_ending, link, NULL);
}

void front_link_free(FrontLink *link) {
  if (link == NULL)
    return;
  GHashTableIter iterator;
  gpointer value = NULL;
  g_hash_table_iter_init(&iterator, link->pending);
  while (g_hash_table_iter_next(&iterator, NULL, &value))
    cancel(value);
  g_hash_table_unref(link->pending);
  for (guint i = 0; i < link->questions->len; i++)
    ((SettingsQuestion *)link->questions->pdata[i])->link = NULL;
  g_ptr_array_unref(link->questions);
  sessions_set_front(link->tools.sessions, NULL);
  if (link->ending != 0)
    g_source_remove(link->ending);
  channel_free(link->channel);
  g_free(link->why);
  g_free(link);
}

Channel *front_link_get_channel(FrontLink *link) {
  return link->channel;
}

gboolean front_link_ask_counts(FrontLink *link) {
  return channel_send(link->channel, MESSAGE_ASK_COUNTS, g_variant_new("t", ++link->last_request),
                      NULL, 0, NULL);
}

/* ---- verdicts ---- */

static void send_verdict(FrontLink *link, guint64 id, const LoginResult *result) {
  gsize size = 0;
  gconstpointer bytes = result->pending != NULL ? g_bytes_get_data(result->pending, &size) : NULL;
  g_autoptr(GError) error = NULL;
  const char *proof = result->proof != NULL ? result->proof : "";
  GVariant *body = g_variant_new("(tusuus@ay@aybus)", id, (guint32)result->outcome, result->user,
                                 result->delay, result->idle_timeout, result->capabilities,
                                 g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, size, 1),
                                 message_secret_new(proof, strlen(proof)),
                                 result->session.is_native, (guint32)result->word.code,
                                 result->word.alert != NULL ? result->word.alert : "");
  if (!channel_send(link->channel, MESSAGE_VERDICT, body, &result->descriptor,
                    result->descriptor >= 0 ? 1 : 0, &error))
    end_soon(link, error->message);
}

static void on_answer(const LoginResult *result, gpointer data) {
  Pending *pending = data;
  FrontLink *link = pending->link;
  guint64 id = pending->id;
  g_hash_table_remove(link->pending, &id);
  send_verdict(link, id, result);
  if (result->descriptor < 0)
    return;
  close(result->descriptor);
  sessions_add(link->tools.sessions, id, &result->session);
}

/* ---- what the front says ---- */

/* The name of a mechanism, or of a version of TLS. */
static gboolean is_word(const char *word) {
  gsize size = 0;
  while (g_ascii_isalnum(word[size]) || word[size] == '-' || word[size] == '.')
    size++;
  return word[size] == '\0' && size <= MAX_METHOD;
}

/* What is remembered of a login for long must be no longer than it can be. */
static gboolean is_client(const EventClient *client) {
  return strlen(client->user) <= MAX_USER && strlen(client->address) < INET6_ADDRSTRLEN &&
         is_word(client->method) && is_word(client->tls);
}

static Pending *add_pending(FrontLink *link, guint64 id) {
  Pending *pending = g_new0(Pending, 1);
  pending->link = link;
  pending->id = id;
  g_hash_table_insert(link->pending, &pending->id, pending);
  return pending;
}

static void take_login(FrontLink *link, Message *message) {
  guint64 id = 0;
  guchar protocol = 0;
  LoginRequest request = {.purpose = LOGIN_SESSION};
  EventClient *client = &request.client;
  g_autoptr(GVariant) bytes = NULL;
  g_variant_get(message->body, "(ty&s&s&s@ay&s&s&stq)", &id, &protocol, &client->method,
                &client->user, &request.identity, &bytes, &client->address, &request.service,
                &client->tls, &client->session, &client->port);
  gsize size = 0;
  gconstpointer password = g_variant_get_fixed_array(bytes, &size, 1);
  if (id == 0 || protocol >= N_LOGIN_PROTOCOLS || size > MAX_PASSWORD || !is_client(client) ||
      strlen(request.identity) > MAX_USER || strlen(request.service) > MAX_AUTH_SERVICE ||
      g_hash_table_contains(link->pending, &id)) {
    end_soon(link, "The front has sent a login that can be none");
    return;
  }
  Secret secret = {0};
  secret_append(&secret, password, size);
  request.protocol = (Protocol)protocol;
  Pending *pending = add_pending(link, id);
  pending->login = logins_begin(link->tools.logins, &request, &secret, on_answer, pending);
  secret_clear(&secret);
}

/* A refusal that nothing has been asked for: a temporary failure. */
static void refuse(FrontLink *link, guint64 id) {
  const LoginResult result = {
      .outcome = OUTCOME_OVERTAKEN, .user = "", .descriptor = -1, .capabilities = ""};
  send_verdict(link, id, &result);
}

static void on_asked(const char *question, gpointer data) {
  const Pending *pending = data;
  FrontLink *link = pending->link;
  guint64 id = pending->id;
  g_autoptr(GError) error = NULL;
  if (question == NULL) {
    g_hash_table_remove(link->pending, &id);
    refuse(link, id);
    return;
  }
  if (!channel_send(link->channel, MESSAGE_SCRAM_CHALLENGE,
                    g_variant_new("(t@ay)", id, message_secret_new(question, strlen(question))),
                    NULL, 0, &error))
    end_soon(link, error->message);
}

static gboolean add_bindings(Scram *scram, GVariant *bindings) {
  for (gsize i = 0; i < g_variant_n_children(bindings); i++) {
    const char *type = NULL;
    gsize size = 0;
    g_autoptr(GVariant) bytes = NULL;
    g_variant_get_child(bindings, i, "(&s@ay)", &type, &bytes);
    const guint8 *value = g_variant_get_fixed_array(bytes, &size, 1);
    if (!scram_add_binding(scram, type, value, size))
      return FALSE;
  }
  return TRUE;
}

static void take_scram_first(FrontLink *link, Message *message) {
  guint64 id = 0;
  guchar protocol = 0;
  EventClient client = {0};
  gboolean plus = FALSE;
  gsize size = 0;
  g_autoptr(GVariant) bytes = NULL;
  g_autoptr(GVariant) bindings = NULL;
  g_variant_get(message->body, "(ty&s@ayb&stq@a(say))", &id, &protocol, &client.address, &bytes,
                &plus, &client.tls, &client.session, &client.port, &bindings);
  client.method = plus ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
  const guint8 *first = g_variant_get_fixed_array(bytes, &size, 1);
  g_autoptr(Scram) scram = scram_new(first, size, plus);
  client.user = scram == NULL ? "" : scram_get_user(scram);
  if (id == 0 || protocol >= N_LOGIN_PROTOCOLS || scram == NULL || !add_bindings(scram, bindings) ||
      !is_client(&client) || g_hash_table_contains(link->pending, &id)) {
    end_soon(link, "The front has sent an exchange that can be none");
    return;
  }
  Pending *pending = add_pending(link, id);
  pending->protocol = (Protocol)protocol;
  pending->client = event_client_dup(&client);
  pending->exchange =
      exchange_begin(link->tools.exchanges, g_steal_pointer(&scram), on_asked, pending);
}

/* One that is not there was begun with a verifier that has gone since. */
static void take_scram_final(FrontLink *link, Message *message) {
  guint64 id = 0;
  gsize size = 0;
  g_autoptr(GVariant) bytes = NULL;
  g_variant_get(message->body, "(t@ay)", &id, &bytes);
  const guint8 *final = g_variant_get_fixed_array(bytes, &size, 1);
  Pending *pending = g_hash_table_lookup(link->pending, &id);
  if (pending == NULL) {
    refuse(link, id);
    return;
  }
  Scram *scram =
      pending->exchange == NULL ? NULL : exchange_take_scram(g_steal_pointer(&pending->exchange));
  if (scram == NULL || size > MAX_SCRAM_MESSAGE) {
    scram_free(scram);
    end_soon(link, "The front has sent an answer to what was not asked");
    return;
  }
  Secret secret = {0};
  secret_append(&secret, final, size);
  const LoginRequest request = {.purpose = LOGIN_SESSION,
                                .protocol = pending->protocol,
                                .client = *pending->client,
                                .scram = scram};
  pending->login = logins_begin(link->tools.logins, &request, &secret, on_answer, pending);
  secret_clear(&secret);
}

static void take_cancel(FrontLink *link, const Message *message) {
  guint64 id = g_variant_get_uint64(message->body);
  const Pending *pending = g_hash_table_lookup(link->pending, &id);
  if (pending == NULL)
    return; /* its verdict is on the way */
  cancel(pending);
  g_hash_table_remove(link->pending, &id);
}

/* What is answered, and what is only told. */
static gboolean is_incident(const Incident *incident, guint64 id) {
  gboolean is_login =
      incident->outcome == OUTCOME_CLEAR_TEXT || incident->outcome == OUTCOME_NO_CERTIFICATE;
  gboolean is_refusal = incident->outcome == OUTCOME_TLS_FAILED ||
                        incident->outcome == OUTCOME_TOO_MANY_CONNECTIONS ||
                        incident->outcome == OUTCOME_PROXY_HEADER;
  return is_client(&incident->client) && strlen(incident->detail) <= MAX_REFUSAL_DETAIL &&
         incident->count > 0 &&
         ((is_login && incident->protocol < N_PROTOCOLS) ||
          (is_refusal && id == 0 && incident->protocol < N_LOGIN_PROTOCOLS));
}

static void take_incident(FrontLink *link, const Message *message) {
  guint64 id = 0;
  guint32 outcome = 0;
  guchar protocol = 0;
  Incident incident = {.client = {.method = ""}};
  EventClient *client = &incident.client;
  g_variant_get(message->body, "(tuy&s&s&su&st)", &id, &outcome, &protocol, &client->user,
                &client->address, &client->tls, &incident.count, &incident.detail,
                &client->session);
  incident.outcome = (Outcome)outcome;
  incident.protocol = (Protocol)protocol;
  if (!is_incident(&incident, id)) {
    end_soon(link, "The front has sent an incident that can be none");
    return;
  }
  if (incident.outcome == OUTCOME_CLEAR_TEXT)
    logins_count_clear_text(link->tools.logins, incident.protocol);
  incidents_take(link->tools.incidents, &incident, protocol_get_source(incident.protocol));
  const LoginResult result = {
      .outcome = incident.outcome, .user = client->user, .descriptor = -1, .capabilities = ""};
  if (id != 0)
    send_verdict(link, id, &result);
}

static gboolean take_session(const FrontLink *link, GVariant *row) {
  guint64 id = 0;
  guchar protocol = 0;
  guint64 since = 0;
  SessionFacts facts = {0};
  EventClient *client = &facts.client;
  g_variant_get(row, "(ty&s&s&s&sttb)", &id, &protocol, &client->user, &client->method,
                &client->address, &client->tls, &client->session, &since, &facts.is_native);
  if (id == 0 || protocol >= N_PROTOCOLS || since == 0 || since > G_MAXINT64 || !is_client(client))
    return FALSE;
  facts.protocol = (Protocol)protocol;
  facts.since = (gint64)since;
  sessions_add(link->tools.sessions, id, &facts);
  return TRUE;
}

static void take_sessions(FrontLink *link, const Message *message) {
  for (gsize i = 0; i < g_variant_n_children(message->body); i++) {
    g_autoptr(GVariant) row = g_variant_get_child_value(message->body, i);
    if (take_session(link, row))
      continue;
    end_soon(link, "The front has sent a session that can be none");
    return;
  }
}

static void answer_question(FrontLink *link, guint64 id) {
  const LoginResult result = {
      .outcome = OUTCOME_PROXY_HEADER, .user = "", .descriptor = -1, .capabilities = ""};
  send_verdict(link, id, &result);
}

/* What had been set before the question has been sent by now. */
static void on_settings_current(G_GNUC_UNUSED gboolean current, gpointer data) {
  g_autofree SettingsQuestion *question = data;
  FrontLink *link = question->link;
  if (link == NULL)
    return;
  g_ptr_array_remove_fast(link->questions, question);
  answer_question(link, question->id);
}

/* Strangers can cause them: while regd is silent they do not pile up. */
static void take_ask_settings(FrontLink *link, const Message *message) {
  guint64 id = g_variant_get_uint64(message->body);
  if (link->questions->len >= MAX_WAITING_LOGINS) {
    answer_question(link, id);
    return;
  }
  SettingsQuestion *question = g_new0(SettingsQuestion, 1);
  *question = (SettingsQuestion){link, id};
  g_ptr_array_add(link->questions, question);
  views_sync(link->tools.views, QUESTION_DELAY_MS, on_settings_current, question);
}

static void take_counts(const FrontLink *link, const Message *message) {
  guint32 lacks = 0;
  g_autoptr(GVariant) counts = NULL;
  g_variant_get(message->body, "(tu@a{su})", NULL, &lacks, &counts);
  link->events.counts(counts, lacks, link->data);
}

static void take_transcript(FrontLink *link, const Message *message) {
  guchar protocol = 0;
  const char *line = NULL;
  g_variant_get(message->body, "(y&s)", &protocol, &line);
  if (protocol >= N_PROTOCOLS || strlen(line) > MAX_TRANSCRIPT_LINE)
    end_soon(link, "The front has sent a line of a transcript that can be none");
  else
    reporter_transcribe(link->tools.reporter, protocol_get_source((Protocol)protocol), line);
}

static void on_message(G_GNUC_UNUSED Channel *channel, Message *message, const GError *error,
                       gpointer data) {
  FrontLink *link = data;
  if (message == NULL) {
    end_soon(link, error != NULL ? error->message : "");
    return;
  }
  switch (message->kind) {
  case MESSAGE_LOGIN:
    take_login(link, message);
    break;
  case MESSAGE_SCRAM_FIRST:
    take_scram_first(link, message);
    break;
  case MESSAGE_SCRAM_FINAL:
    take_scram_final(link, message);
    break;
  case MESSAGE_CANCEL:
    take_cancel(link, message);
    break;
  case MESSAGE_ASK_SETTINGS:
    take_ask_settings(link, message);
    break;
  case MESSAGE_INCIDENT:
    take_incident(link, message);
    break;
  case MESSAGE_KEYS_RESULT:
    if (!link->events.keys_result(message, link->data))
      end_soon(link, "The front has spoken of a certificate that can be none");
    break;
  case MESSAGE_COUNTS:
    take_counts(link, message);
    break;
  case MESSAGE_TRANSCRIPT:
    take_transcript(link, message);
    break;
  case MESSAGE_SESSION_ENDED:
    sessions_remove(link->tools.sessions, g_variant_get_uint64(message->body));
    break;
  case MESSAGE_SESSIONS:
    take_sessions(link, message);
    break;
  default:
    break; /* the channel lets no other kind through */
  }
}

FrontLink *front_link_new(int descriptor, const FrontLinkTools *tools,
                          const FrontLinkEvents *events, gpointer data) {
  FrontLink *link = g_new0(FrontLink, 1);
  link->channel = channel_new(descriptor, ROLE_VERIFIER, ROLE_FRONT);
  link->tools = *tools;
  link->pending = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, pending_free);
  link->questions = g_ptr_array_new();
  link->events = *events;
  sessions_set_front(tools->sessions, link->channel);
  link->data = data;
  channel_attach(link->channel, NULL, on_message, link);
  return link;
}
