/* SPDX-License-Identifier: MIT */
/* Admission: which sessions there are, how many of each protocol and of each subscriber,
 * and which one makes room for another. It holds sessions, but does nothing with them. */
#ifndef MAILAUTH_FRONT_ADMISSION_H
#define MAILAUTH_FRONT_ADMISSION_H

#include "mailauth/front/session.h"

typedef struct {
  GQueue not_logged_in[N_PROTOCOLS]; /* of Session, the oldest first */
  GQueue logged_in[N_PROTOCOLS];
  GHashTable *subscribers; /* ClientAddress -> how many */
} Admission;

typedef enum {
  ADMIT,
  ADMIT_INSTEAD,     /* of the oldest that has not logged in */
  REFUSE_FULL,       /* all have logged in */
  REFUSE_SUBSCRIBER, /* too many from there */
} AdmissionResult;

void admission_init(Admission *admission);
void admission_clear(Admission *admission);
/* @address: NULL if a proxy will tell it. */
AdmissionResult admission_judge(const Admission *admission, Protocol protocol,
                                const ClientAddress *address, const SessionSettings *settings);
/* Of those that have not logged in. NULL if there is none. */
Session *admission_get_oldest(const Admission *admission, Protocol protocol);
/* Any that has logged in; NULL if there is none. */
Session *admission_get_logged_in(const Admission *admission, Protocol protocol);
/* The one whose login of that number was let in; NULL if it has gone. */
Session *admission_find(const Admission *admission, guint64 login);
/* @address as for admission_judge(). */
void admission_add(Admission *admission, Session *session, const ClientAddress *address);
/* The session's client is at @address, and is counted there from now on. FALSE: there are too
 * many from there already, and nothing changes. */
gboolean admission_locate(Admission *admission, Session *session, const ClientAddress *address,
                          const SessionSettings *settings);
void admission_note_login(Admission *admission, Session *session);
void admission_remove(Admission *admission, Session *session);

#endif
