/* SPDX-License-Identifier: MIT */
/* The daemon put together: storage, schemas, service, and its face on the bus,
 * which is connected again when the bus goes. */
#ifndef REGD_SERVER_H
#define REGD_SERVER_H

#include <glib.h>

typedef struct Server Server;

/* How long a name that the bus refuses is tried for: after a first installation the bus
 * may still have to read the policy that allows it. */
#define NAME_RETRY_SECONDS 15

typedef struct {
  const char *bus;                       /* "system", "session" or an address */
  const char *database;                  /* its file */
  const char *const *schema_directories; /* NULL-terminated */
} ServerOptions;

typedef struct {
  /* It serves: called once. */
  void (*ready)(gpointer data);
  /* Reports something to the administrator; one line. */
  void (*say)(const char *text, gpointer data);
  /* It can't go on serving: end it. */
  void (*failed)(gpointer data);
  gpointer data;
} ServerEvents;

/* Opens everything, connects to the bus and takes the name. When the bus refuses the
 * name, that is tried again for NAME_RETRY_SECONDS before it fails. Works on the
 * default main context. What @options points to must outlive the server. */
Server *server_start(const ServerOptions *options, const ServerEvents *events, GError **error);
/* How it is, in one line; the caller's. */
char *server_describe(const Server *server);
/* Whether its writer has done something since the last call, which also asks it to. That
 * the main loop is alive is what calling this shows. A change is said. */
gboolean server_is_alive(Server *server);
/* Reads the schemas again, off the main loop; the new ones hold when they are in. */
void server_reload_schemas(Server *server);
/* Takes no more calls, finishes and answers what is being written, closes all. */
void server_stop(Server *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Server, server_stop)

#endif
