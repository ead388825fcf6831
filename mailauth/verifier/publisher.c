/* SPDX-License-Identifier: MIT */
/* What the settings mean for the other roles: see publisher.h. */
#include "mailauth/verifier/publisher.h"

struct Publisher {
  Channel *parent;
  Channel *front; /* NULL while there is none */
  Reporter *reporter;
  Settings *settings; /* what was published last; NULL before */
  Settings *served;   /* what the others were told; NULL before */
  Certificates *certificates;
  GVariant *listen; /* what was sent last */
  GVariant *rules;  /* and here */
  GVariant *sockets;
  GPtrArray *listeners;
  char *socket_problems[N_AUTH_KINDS];
  char *ciphers; /* the last list that could be used; NULL before the first */
  gboolean offers_scram;
  gboolean settled;
  gboolean sockets_settled;
};

static void listener_free(gpointer data) {
  Listener *listener = data;
  g_free(listener->address);
  g_free(listener->problem);
  g_free(listener);
}

static void send_rules(Publisher *publisher);

static void on_certificates_settled(gpointer data) {
  send_rules(data);
}

Publisher *publisher_new(Channel *parent, Reporter *reporter) {
  Publisher *publisher = g_new0(Publisher, 1);
  publisher->parent = parent;
  publisher->reporter = reporter;
  publisher->certificates = certificates_new(parent, reporter, on_certificates_settled, publisher);
  publisher->listeners = g_ptr_array_new_with_free_func(listener_free);
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    publisher->socket_problems[i] = g_strdup("");
  return publisher;
}

void publisher_free(Publisher *publisher) {
  if (publisher == NULL)
    return;
  certificates_free(publisher->certificates);
  settings_unref(publisher->settings);
  settings_unref(publisher->served);
  g_clear_pointer(&publisher->listen, g_variant_unref);
  g_clear_pointer(&publisher->rules, g_variant_unref);
  g_clear_pointer(&publisher->sockets, g_variant_unref);
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    g_free(publisher->socket_problems[i]);
  g_ptr_array_unref(publisher->listeners);
  g_free(publisher->ciphers);
  g_free(publisher);
}

const GPtrArray *publisher_get_listeners(const Publisher *publisher) {
  return publisher->listeners;
}

gboolean publisher_is_settled(const Publisher *publisher) {
  return publisher->settled && publisher->sockets_settled && publisher->rules != NULL;
}

const char *publisher_get_socket_problem(const Publisher *publisher, AuthKind kind) {
  return publisher->socket_problems[kind];
}

const Certificates *publisher_get_certificates(const Publisher *publisher) {
  return publisher->certificates;
}

/* ---- to the parent ---- */

static void add_listeners(GVariantBuilder *list, char **addresses, Protocol protocol,
                          gboolean tls) {
  for (char **address = addresses; *address != NULL; address++)
    g_variant_builder_add(list, "(syb)", *address, (guchar)protocol, tls);
}

static GVariant *build_listen(const Settings *settings) {
  GVariantBuilder list;
  g_variant_builder_init(&list, G_VARIANT_TYPE("a(syb)"));
  for (guint i = 0; i < N_PROTOCOLS; i++) {
    const ProtocolSettings *own = &settings->protocols[i];
    if (!protocol_is_served(settings, (Protocol)i))
      continue;
    add_listeners(&list, own->listen, (Protocol)i, FALSE);
    add_listeners(&list, own->listen_tls, (Protocol)i, TRUE);
  }
  return g_variant_new("(ba(syb))", settings->known, &list);
}

static GVariant *build_sockets(const Settings *settings) {
  GVariantBuilder paths;
  g_variant_builder_init(&paths, G_VARIANT_TYPE("as"));
  for (guint i = 0; i < N_AUTH_KINDS; i++)
    g_variant_builder_add(&paths, "s", settings->sockets[i]);
  return g_variant_new("(asus)", &paths, settings->socket_mode, settings->socket_group);
}

/* ---- to the front ---- */

/* A list that can't be used leaves the one before. */
static GVariant *build_rules(const Publisher *publisher) {
  const Settings *settings = publisher->served;
  const char *ciphers = settings->has_ciphers ? settings->ciphers : publisher->ciphers;
  GVariantBuilder rows;
  g_variant_builder_init(&rows, G_VARIANT_TYPE("a(yyuuuy)"));
  for (guint i = 0; i < N_PROTOCOLS; i++) {
    const ProtocolSettings *own = &settings->protocols[i];
    g_variant_builder_add(&rows, "(yyuuuy)", (guchar)i, (guchar)own->clear_text, own->login_timeout,
                          own->max_connections, own->max_connections_per_address,
                          (guchar)own->logging_level);
  }
  return g_variant_new("(bqbyms^as^asa(yyuuuy))", settings->known, (guint16)settings->minimum_tls,
                       publisher->offers_scram, (guchar)settings->left_out, ciphers,
                       settings->trusted_networks, settings->proxy_networks, &rows);
}

/* Sends @body if it is not what was sent last. */
static gboolean send_news(Channel *channel, MessageKind kind, GVariant **last, GVariant *body) {
  g_autoptr(GVariant) owned = g_variant_ref_sink(body);
  if (channel == NULL || (*last != NULL && g_variant_equal(*last, owned)))
    return FALSE;
  g_clear_pointer(last, g_variant_unref);
  *last = g_variant_ref(owned);
  /* A channel that fails ends, and its owner hears of it. */
  (void)channel_send(channel, kind, owned, NULL, 0, NULL);
  return TRUE;
}

/* ---- events ---- */

static const char *get_source(SettingsKey key) {
  return key == SETTINGS_POP3   ? protocol_get_source(PROTOCOL_POP3)
         : key == SETTINGS_IMAP ? protocol_get_source(PROTOCOL_IMAP)
                                : EVENT_SOURCE_SERVER;
}

static gboolean had_problem(const Settings *settings, const char *text) {
  for (guint i = 0; settings != NULL && i < settings->problems->len; i++)
    if (g_str_equal(((SettingProblem *)settings->problems->pdata[i])->text, text))
      return TRUE;
  return FALSE;
}

static void report_problems(const Publisher *publisher, const Settings *settings) {
  for (guint i = 0; i < settings->problems->len; i++) {
    const SettingProblem *problem = settings->problems->pdata[i];
    if (!had_problem(publisher->settings, problem->text))
      reporter_report(publisher->reporter, OUTCOME_BAD_SETTING, get_source(problem->key), NULL,
                      problem->text);
  }
}

static char *describe_package(const Settings *settings) {
  const char *broker = settings->broker;
  if (*settings->package == '\0')
    return *broker == '\0' ? g_strdup("native")
                           : g_strdup_printf("native, broker %s not in use", broker);
  if (!g_str_equal(settings->package, "MBS_BASIC"))
    return g_strdup_printf("'%s', which can't be used", settings->package);
  return *broker == '\0' ? g_strdup("membership, no broker")
                         : g_strdup_printf("membership, broker %s", broker);
}

static void report_change(const Publisher *publisher, const Settings *settings) {
  /* Nothing is new as long as nothing was known. */
  if (publisher->settings == NULL || !publisher->settings->known || !settings->known)
    return;
  g_autofree char *old = describe_package(publisher->settings);
  g_autofree char *new = describe_package(settings);
  if (g_str_equal(old, new))
    return;
  g_autofree char *detail = g_strdup_printf("old: %s; new: %s", old, new);
  reporter_report(publisher->reporter, OUTCOME_CHANGED, EVENT_SOURCE_SERVER, NULL, detail);
}

/* ---- the whole ---- */

/* A front accepts no connection before it has rules, so the first rules wait until it
 * has every certificate that it can have: no client finds a server without TLS, or with
 * another's certificate, because it was just started. */
static void send_rules(Publisher *publisher) {
  if (publisher->served != NULL &&
      (publisher->rules != NULL || certificates_are_settled(publisher->certificates)))
    send_news(publisher->front, MESSAGE_SETTINGS, &publisher->rules, build_rules(publisher));
}

static void replace(Settings **place, Settings *settings) {
  settings_ref(settings);
  settings_unref(*place);
  *place = settings;
}

/* The defaults of a key that can't be read any more were not chosen: what was opened by
 * it stays open, and its logins are refused there. */
static void choose_served(Publisher *publisher) {
  const Settings *served = publisher->served;
  if (served == NULL || !served->known || publisher->settings->readable)
    replace(&publisher->served, publisher->settings);
}

void publisher_publish(Publisher *publisher, Settings *settings) {
  if (settings == publisher->settings)
    return;
  report_change(publisher, settings);
  report_problems(publisher, settings);
  replace(&publisher->settings, settings);
  choose_served(publisher);
  settings = publisher->served;
  if (settings->has_ciphers) {
    g_free(publisher->ciphers);
    publisher->ciphers = g_strdup(settings->ciphers);
  }
  if (send_news(publisher->parent, MESSAGE_LISTEN, &publisher->listen, build_listen(settings)))
    publisher->settled = FALSE;
  /* A verifier that starts while regd is away takes no socket from another server. */
  if (settings->known &&
      send_news(publisher->parent, MESSAGE_SOCKETS, &publisher->sockets, build_sockets(settings)))
    publisher->sockets_settled = FALSE;
  /* Nor does it take a certificate away that a front has. */
  if (settings->known)
    certificates_set(publisher->certificates, settings);
  send_rules(publisher);
}

gboolean publisher_offers_scram(const Publisher *publisher) {
  return publisher->offers_scram;
}

void publisher_offer_scram(Publisher *publisher, gboolean offered) {
  publisher->offers_scram = offered;
  send_rules(publisher);
}

void publisher_set_front(Publisher *publisher, Channel *front) {
  publisher->front = front;
  g_clear_pointer(&publisher->rules, g_variant_unref);
  certificates_set_front(publisher->certificates, front != NULL);
  send_rules(publisher);
}

static gboolean has_certificates(const Publisher *publisher) {
  g_autoptr(GPtrArray) rows = certificates_list(publisher->certificates);
  for (guint i = 0; i < rows->len; i++)
    if (((const Certificate *)rows->pdata[i])->certificate != NULL)
      return TRUE;
  return FALSE;
}

void publisher_reload_certificates(Publisher *publisher, CertificateDone done, gpointer data) {
  if (has_certificates(publisher)) {
    certificates_reload(publisher->certificates, done, data);
    return;
  }
  g_autofree char *problem = g_strdup_printf("%s\\Parameters, Certificate: it is not set",
                                             settings_get_path(SETTINGS_SERVICE));
  done(problem, data);
}

static gboolean is_tls_listener(const Publisher *publisher, const char *address,
                                Protocol protocol) {
  const ProtocolSettings *own = &publisher->settings->protocols[protocol];
  return !g_strv_contains((const char *const *)own->listen, address) &&
         g_strv_contains((const char *const *)own->listen_tls, address);
}

static gboolean had_listener_problem(const GPtrArray *listeners, const Listener *listener) {
  for (guint i = 0; i < listeners->len; i++) {
    const Listener *old = listeners->pdata[i];
    if (g_str_equal(old->address, listener->address) && old->protocol == listener->protocol &&
        g_str_equal(old->problem, listener->problem))
      return TRUE;
  }
  return FALSE;
}

static void report_listener(const Publisher *publisher, const Listener *listener) {
  SettingsKey key = listener->protocol == PROTOCOL_POP3 ? SETTINGS_POP3 : SETTINGS_IMAP;
  g_autofree char *detail = g_strdup_printf("%s, %s: %s: %s", settings_get_path(key),
                                            listener->tls ? "Listen TLS" : "Listen",
                                            listener->address, listener->problem);
  reporter_report(publisher->reporter, OUTCOME_BAD_SETTING, get_source(key), NULL, detail);
}

void publisher_take_listening(Publisher *publisher, const Message *message) {
  g_autoptr(GPtrArray) old = publisher->listeners;
  publisher->listeners = g_ptr_array_new_with_free_func(listener_free);
  GVariantIter iterator;
  const char *address = NULL;
  guchar protocol = 0;
  const char *problem = NULL;
  const char *bound = NULL;
  g_variant_iter_init(&iterator, message->body);
  while (g_variant_iter_next(&iterator, "(&sy&s&s)", &address, &protocol, &problem, &bound)) {
    if (protocol >= N_PROTOCOLS || publisher->settings == NULL)
      continue;
    Listener *listener = g_new0(Listener, 1);
    *listener =
        (Listener){g_strdup(*problem == '\0' ? bound : address), (Protocol)protocol,
                   is_tls_listener(publisher, address, (Protocol)protocol), g_strdup(problem)};
    g_ptr_array_add(publisher->listeners, listener);
    if (*problem != '\0' && !had_listener_problem(old, listener))
      report_listener(publisher, listener);
  }
  publisher->settled = TRUE;
}

void publisher_take_sockets_state(Publisher *publisher, const Message *message) {
  if (publisher->settings == NULL)
    return;
  for (guint i = 0; i < MIN(N_AUTH_KINDS, g_variant_n_children(message->body)); i++) {
    g_autofree char *before = publisher->socket_problems[i];
    g_variant_get_child(message->body, i, "s", &publisher->socket_problems[i]);
    const char *problem = publisher->socket_problems[i];
    if (*problem == '\0' || g_str_equal(problem, before))
      continue;
    g_autofree char *detail =
        g_strdup_printf("%s\\Parameters, %s: %s", settings_get_path(SETTINGS_SERVICE),
                        auth_kind_get_setting((AuthKind)i), problem);
    reporter_report(publisher->reporter, OUTCOME_BAD_SETTING, EVENT_SOURCE_SERVER, NULL, detail);
  }
  publisher->sockets_settled = TRUE;
}

/* ---- certificates ---- */

void publisher_take_file_problem(Publisher *publisher, const Message *message) {
  certificates_take_file_problem(publisher->certificates, message);
}

gboolean publisher_take_keys_result(Publisher *publisher, const Message *message) {
  return certificates_take_result(publisher->certificates, message);
}
