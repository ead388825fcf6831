/* SPDX-License-Identifier: MIT */
/* See front-keys.h. */
#include "mailauth/front/front-keys.h"

#include "mailauth/base/container-of.h"
#include "mailauth/base/host-name.h"
#include "mailauth/base/limits.h"
#include "mailauth/tls/tls-tickets.h"

#define SECOND 1000000

struct FrontKeys {
  Poller *poller;
  FrontChannel *verifier;
  TlsServer *server;
  Timer new_tickets; /* when their keys change */
};

/* What is in use for a host now, and what was wrong with what it was to be. */
static GVariant *describe_keys(const FrontKeys *keys, guint64 request, const char *host,
                               CertificateSlot slot, const char *problem) {
  g_auto(TlsFacts) facts = {0};
  const TlsPair *pair = tls_server_get_pair(keys->server, host, slot);
  if (pair == NULL)
    return g_variant_new("(tsysbsssxxb)", request, host, (guchar)slot, problem, FALSE, "", "", "",
                         (gint64)0, (gint64)0, FALSE);
  tls_pair_get_facts(pair, host, &facts);
  return g_variant_new("(tsysbsssxxb)", request, host, (guchar)slot, problem, TRUE, facts.subject,
                       facts.algorithm, facts.fingerprint, facts.not_before, facts.not_after,
                       facts.covers);
}

static void report_pair(const char *host, CertificateSlot slot, G_GNUC_UNUSED const TlsPair *pair,
                        gpointer data) {
  FrontKeys *keys = data;
  front_channel_send(keys->verifier, MESSAGE_KEYS_RESULT, describe_keys(keys, 0, host, slot, ""));
}

void front_keys_report(FrontKeys *keys) {
  tls_server_visit(keys->server, report_pair, keys);
}

/* Without descriptors: the host has no pair any more. */
static gboolean take_pair(const FrontKeys *keys, const Message *message, const char *host,
                          CertificateSlot slot, GError **error) {
  g_autoptr(TlsPair) pair = NULL;
  if (message->n_descriptors >= 2)
    pair = tls_pair_new(message->descriptors[0], message->descriptors[1], error);
  if (message->n_descriptors >= 2 && pair == NULL)
    return FALSE;
  return tls_server_set_pair(keys->server, host, slot, pair, error);
}

void front_keys_take(FrontKeys *keys, const Message *message) {
  g_autoptr(GError) error = NULL;
  guint64 request;
  const char *host;
  guchar slot;
  const char *certificate;
  const char *key;
  g_variant_get(message->body, "(t&sy&s&s)", &request, &host, &slot, &certificate, &key);
  if (slot >= N_CERTIFICATE_SLOTS || (*host != '\0' && !host_name_is_canonical(host)))
    return;
  g_autofree char *problem =
      take_pair(keys, message, host, slot, &error)
          ? g_strdup("")
          : g_strdup_printf("certificate %s, private key %s: %s", certificate, key, error->message);
  front_channel_send(keys->verifier, MESSAGE_KEYS_RESULT,
                     describe_keys(keys, request, host, slot, problem));
}

static void change_tickets(Timer *timer) {
  FrontKeys *keys = container_of(timer, FrontKeys, new_tickets);
  tls_server_rotate_tickets(keys->server);
  poller_set_timer(keys->poller, timer, (gint64)TICKET_SECONDS * SECOND);
}

void front_keys_set_minimum(FrontKeys *keys, guint16 version) {
  tls_server_set_minimum(keys->server, version);
}

/* The verifier has checked the list by the same function, and named what was wrong. */
void front_keys_set_ciphers(FrontKeys *keys, const char *ciphers) {
  (void)tls_server_set_ciphers(keys->server, ciphers);
}

SSL_CTX *front_keys_get_context(const FrontKeys *keys) {
  return tls_server_get_context(keys->server);
}

FrontKeys *front_keys_new(Poller *poller, FrontChannel *verifier, GError **error) {
  g_autoptr(TlsServer) server = tls_server_new(error);
  if (server == NULL)
    return NULL;
  FrontKeys *keys = g_new0(FrontKeys, 1);
  keys->poller = poller;
  keys->verifier = verifier;
  keys->server = g_steal_pointer(&server);
  keys->new_tickets.fire = change_tickets;
  poller_set_timer(poller, &keys->new_tickets, (gint64)TICKET_SECONDS * SECOND);
  return keys;
}

void front_keys_free(FrontKeys *keys) {
  if (keys == NULL)
    return;
  poller_stop_timer(keys->poller, &keys->new_tickets);
  tls_server_free(keys->server);
  g_free(keys);
}
