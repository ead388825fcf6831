/* SPDX-License-Identifier: MIT */
/* The verifier's record of the certificates: which are set, what came of each, and what
 * is in use. It asks for the files of each host separately, so that one bad pair does
 * not keep the others from being used, and for a few at a time, so that many hosts do
 * not hold up the front. It also makes the events that follow from the answers. */
#ifndef MAILAUTH_VERIFIER_CERTIFICATES_H
#define MAILAUTH_VERIFIER_CERTIFICATES_H

#include "mailauth/base/kinds.h"
#include "mailauth/events/reporter.h"
#include "mailauth/ipc/channel.h"
#include "mailauth/settings/settings.h"
#include "mailauth/tls/key-pair.h"

typedef struct Certificates Certificates;

/* One pair: of a host, in one slot. */
typedef struct {
  char *host; /* canonical; "" for clients that ask for none of the others */
  CertificateSlot slot;
  char *certificate; /* file, as it is set; NULL: it is not set (any more) */
  char *key;         /* file; the same if both are in one */
  gboolean in_use;   /* the facts are of the pair in use, which may be an older one */
  TlsFacts facts;
  char *problem; /* why the files are not in use; NULL if they are */
  char *doubt;   /* why clients may refuse what is in use; NULL for nothing */
} Certificate;

/* The channel and the reporter are borrowed. @settled is called when nothing is
 * waited for any more. */
Certificates *certificates_new(Channel *parent, Reporter *reporter, void (*settled)(gpointer data),
                               gpointer data);
void certificates_free(Certificates *certificates);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Certificates, certificates_free)

/* These are set now: asks for what is new, and has taken away what is not set. */
void certificates_set(Certificates *certificates, const Settings *settings);
/* A front has come, which knows of none unless it says so; or it has gone. */
void certificates_set_front(Certificates *certificates, gboolean present);

/* What came of reading them; @problem NULL: all are in use. */
typedef void (*CertificateDone)(const char *problem, gpointer data);
/* Has all files read again. @done is called once, now or later, also when the record is
 * freed. */
void certificates_reload(Certificates *certificates, CertificateDone done, gpointer data);

/* MESSAGE_FILE_PROBLEM of the parent. */
void certificates_take_file_problem(Certificates *certificates, const Message *message);
/* MESSAGE_KEYS_RESULT of the front. FALSE: no front would say so. */
gboolean certificates_take_result(Certificates *certificates, const Message *message);

/* Whether there is an answer to each question. */
gboolean certificates_are_settled(const Certificates *certificates);
/* In the order of the hosts' names, "" first. Borrowed Certificates in an array to free. */
GPtrArray *certificates_list(const Certificates *certificates);

#endif
