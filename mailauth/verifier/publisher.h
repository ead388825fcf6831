/* SPDX-License-Identifier: MIT */
/* Tells the other roles what the settings mean for them, whenever that changes:
 * listeners and certificates to the parent, limits and rules to the front. It also makes
 * the events that follow from their answers and from the settings themselves. */
#ifndef MAILAUTH_VERIFIER_PUBLISHER_H
#define MAILAUTH_VERIFIER_PUBLISHER_H

#include "mailauth/verifier/certificates.h"

typedef struct Publisher Publisher;

typedef struct {
  char *address; /* address:port, as it is bound */
  Protocol protocol;
  gboolean tls;
  char *problem; /* "" if it listens */
} Listener;

/* Both borrowed. */
Publisher *publisher_new(Channel *parent, Reporter *reporter);
void publisher_free(Publisher *publisher);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Publisher, publisher_free)

/* Call when the settings have changed: tells the other roles what is new for them, and
 * reports new problems and a change of the package. */
void publisher_publish(Publisher *publisher, Settings *settings);
/* Whether SCRAM-SHA-256 is to be offered: tells the front if that is new. */
void publisher_offer_scram(Publisher *publisher, gboolean offered);
gboolean publisher_offers_scram(const Publisher *publisher);
/* The front has come (a channel, borrowed), or gone (NULL). */
void publisher_set_front(Publisher *publisher, Channel *front);
/* Has the certificates' files read again: certificates_reload(). */
void publisher_reload_certificates(Publisher *publisher, CertificateDone done, gpointer data);

/* MESSAGE_LISTENING, MESSAGE_SOCKETS_STATE and MESSAGE_FILE_PROBLEM of the parent,
 * MESSAGE_KEYS_RESULT of the front. */
void publisher_take_listening(Publisher *publisher, const Message *message);
void publisher_take_sockets_state(Publisher *publisher, const Message *message);
void publisher_take_file_problem(Publisher *publisher, const Message *message);
/* FALSE: no front would say so. */
gboolean publisher_take_keys_result(Publisher *publisher, const Message *message);

/* Of Listener, as the parent said last; borrowed. */
const GPtrArray *publisher_get_listeners(const Publisher *publisher);
/* What is wrong with the socket for other servers; "" for nothing. Borrowed. */
const char *publisher_get_socket_problem(const Publisher *publisher, AuthKind kind);
/* Whether the parent has answered the last list, and the last sockets, and the
 * front has all that it needs to begin. */
gboolean publisher_is_settled(const Publisher *publisher);
/* Borrowed. */
const Certificates *publisher_get_certificates(const Publisher *publisher);

#endif
