/* SPDX-License-Identifier: MIT */
/* The interface org.regd.MailAuth1 on the bus. It answers for the name, for the callers
 * that are let in, and for the form of the answers; their contents come from elsewhere.
 *
 * Only administrators and `ObjectName`'s user get events. On the machine's own system
 * bus the bus's policy enforces that. Other buses have no such policy, so there events
 * are sent to each entitled connection by its unique name. */
#ifndef MAILAUTH_VERIFIER_MAILAUTH1_H
#define MAILAUTH_VERIFIER_MAILAUTH1_H

#include <dbus/dbus.h>

#include "mailauth/events/events.h"
#include "mailauth/logins/login.h"

/* Where the answers come from. All are called on the loop. */
typedef struct {
  gboolean (*is_membership)(gpointer data);
  const char *(*get_broker)(gpointer data); /* "" if none is named; borrowed */
  gboolean (*is_ready)(gpointer data);
  /* Uid 0 and this process's own are entitled without asking. */
  gboolean (*is_entitled)(guint32 uid, gpointer data);
  const Events *(*get_events)(gpointer data);
  /* Appends entries to an open a{sv}; FALSE: out of memory. Asks the front for its
   * counts first: @done is called once, later or at once. */
  void (*prepare_status)(void (*done)(gpointer call), gpointer call, gpointer data);
  gboolean (*append_status)(DBusMessageIter *dict, gpointer data);
  const Rates *(*get_rates)(gpointer data);
  void (*visit_held)(ThrottleVisit visit, gpointer visit_data, gpointer data);
  Sessions *sessions; /* borrowed */
  /* logins_release() */
  guint (*release)(const char *who, gpointer data);
  /* Takes the password out of @password. */
  void (*test)(Protocol protocol, const char *user, Secret *password, LoginAnswer answer,
               gpointer call, gpointer data);
  /* @done is called once, later or at once: @problem is NULL if the certificate is in
   * use. */
  void (*reload_certificate)(void (*done)(const char *problem, gpointer call), gpointer call,
                             gpointer data);
  gpointer data;
} BusSource;

typedef struct Bus Bus;

/* Connects to the bus @address, also later and again. @source is copied. */
Bus *bus_new(const char *address, const BusSource *source);
void bus_free(Bus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bus, bus_free)

void bus_signal_event(Bus *bus, const Event *event);
/* Package, Broker or Ready may have changed. */
void bus_refresh(Bus *bus);

#endif
