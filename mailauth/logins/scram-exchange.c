/* SPDX-License-Identifier: MIT */
/* See scram-exchange.h. */
#include "mailauth/logins/scram-exchange.h"

#include <openssl/rand.h>

/* Of the server's nonce, before base64. */
#define NONCE_BYTES 18

struct Exchanges {
  Views *views;
  SamScram *accounts;
  GQueue all;         /* of Exchange */
  gboolean impatient; /* they do not wait for regd any more */
};

struct Exchange {
  Exchanges *exchanges;
  GList link;
  Scram *scram;
  gboolean is_asked;
  gboolean is_early; /* regd has not been heard of yet */
  gboolean is_synced;
  gboolean is_over; /* freed once it is synced */
  ExchangeAsked asked;
  gpointer data;
};

Exchanges *exchanges_new(Views *views, SamScram *accounts) {
  Exchanges *exchanges = g_new0(Exchanges, 1);
  exchanges->views = views;
  exchanges->accounts = accounts;
  g_queue_init(&exchanges->all);
  return exchanges;
}

static void destroy(Exchange *exchange) {
  g_queue_unlink(&exchange->exchanges->all, &exchange->link);
  scram_free(exchange->scram);
  g_free(exchange);
}

void exchanges_free(Exchanges *exchanges) {
  if (exchanges == NULL)
    return;
  while (exchanges->all.head != NULL)
    destroy(exchanges->all.head->data);
  g_free(exchanges);
}

void exchange_free(Exchange *exchange) {
  if (exchange == NULL)
    return;
  exchange->is_over = TRUE;
  /* Else the round trip under way comes back to it. */
  if (exchange->is_synced || exchange->is_early)
    destroy(exchange);
}

/* NULL if the system has no random bytes. */
static char *new_nonce(void) {
  guint8 bytes[NONCE_BYTES];
  return RAND_bytes(bytes, sizeof bytes) == 1 ? g_base64_encode(bytes, sizeof bytes) : NULL;
}

static const char *ask(Exchange *exchange) {
  g_auto(ScramKeys) keys = {0};
  g_autofree char *detail = NULL;
  g_autofree char *nonce = new_nonce();
  Exchanges *exchanges = exchange->exchanges;
  if (nonce == NULL || exchanges->all.length > MAX_SCRAM_EXCHANGES)
    return NULL;
  g_autoptr(Settings) settings = views_get_settings(exchanges->views);
  const char *name = scram_get_user(exchange->scram);
  g_autofree char *account = settings_get_account(settings, name);
  sam_scram_find(exchanges->accounts, account, name, &keys, &detail);
  exchange->is_asked = TRUE;
  return scram_ask(exchange->scram, &keys, nonce);
}

static void on_synced(G_GNUC_UNUSED gboolean current, gpointer data) {
  Exchange *exchange = data;
  const Exchanges *exchanges = exchange->exchanges;
  if (exchange->is_over) {
    destroy(exchange);
    return;
  }
  exchange->is_early = !exchanges->impatient && !views_are_known(exchanges->views);
  if (exchange->is_early)
    return;
  exchange->is_synced = TRUE;
  exchange->asked(ask(exchange), exchange->data);
}

void exchanges_stop_waiting(Exchanges *exchanges) {
  exchanges->impatient = TRUE;
  for (GList *link = exchanges->all.head; link != NULL; link = link->next) {
    Exchange *exchange = link->data;
    if (exchange->is_early)
      views_sync(exchanges->views, 0, on_synced, exchange);
    exchange->is_early = FALSE;
  }
}

Exchange *exchange_begin(Exchanges *exchanges, Scram *scram, ExchangeAsked asked, gpointer data) {
  Exchange *exchange = g_new0(Exchange, 1);
  exchange->exchanges = exchanges;
  exchange->link.data = exchange;
  exchange->scram = scram;
  exchange->asked = asked;
  exchange->data = data;
  g_queue_push_tail_link(&exchanges->all, &exchange->link);
  views_sync(exchanges->views, 0, on_synced, exchange);
  return exchange;
}

Scram *exchange_take_scram(Exchange *exchange) {
  Scram *scram = exchange->is_asked ? g_steal_pointer(&exchange->scram) : NULL;
  exchange_free(exchange);
  return scram;
}

/* If the account would let the client in. */
static Outcome get_outcome(ScramResult result, char **detail) {
  static const struct {
    Outcome outcome;
    const char *detail;
  } results[] = {
      [SCRAM_RIGHT] = {OUTCOME_OK, NULL},
      [SCRAM_WRONG] = {OUTCOME_BAD_PASSWORD, NULL},
      [SCRAM_UNBOUND] = {OUTCOME_CHANNEL_BINDING,
                         "its TLS connection is not this server's, or the mechanisms were cut on "
                         "the way to it"},
      [SCRAM_OVERTAKEN] = {OUTCOME_OVERTAKEN, "the account's keys have changed"},
      [SCRAM_MALFORMED] = {OUTCOME_BAD_PASSWORD, "the client's answer can't be read"},
  };
  g_free(*detail);
  *detail = g_strdup(results[result].detail);
  return results[result].outcome;
}

Outcome exchange_prove(const ExchangeProof *client, char **proof, char **detail) {
  g_auto(ScramKeys) keys = {0};
  Outcome outcome = sam_scram_find(client->accounts, client->account, client->user, &keys, detail);
  ScramResult result =
      scram_prove(client->scram, client->response->bytes, client->response->size, &keys, proof);
  return outcome == OUTCOME_OK ? get_outcome(result, detail) : outcome;
}
