/* SPDX-License-Identifier: MIT */
/* The tables that describe an object on the bus: interfaces, methods, signals and
 * properties. Constants of the program; dispatch.h serves them, dispatch-xml.h
 * makes the introspection XML out of them. */
#ifndef CLIENT_BUS_DISPATCH_TABLE_H
#define CLIENT_BUS_DISPATCH_TABLE_H

#include <dbus/dbus.h>
#include <glib.h>

typedef struct {
  const char *name;
  const char *signature; /* one complete type */
} DispatchArgument;
/* A list of arguments as it stands in a table; ends with a NULL name. */
#define DISPATCH_ARGUMENTS(...) ((const DispatchArgument[]){__VA_ARGS__, {NULL, NULL}})
#define DISPATCH_NOTHING NULL

/* One call under way, from its arrival to its one answer. */
typedef struct DispatchCall DispatchCall;
/* Runs the call: now or later exactly one of the dispatch_call_ functions below
 * answers it. The signature has been checked. */
typedef void (*DispatchHandler)(DispatchCall *call, gpointer data);

typedef struct {
  const char *name;
  const DispatchArgument *in;
  const DispatchArgument *out;
  DispatchHandler handler; /* NULL: answered with NotSupported */
} DispatchMethod;

typedef struct {
  const char *name;
  const DispatchArgument *arguments;
} DispatchSignal;

typedef struct {
  const char *name;
  const char *signature;
  const char *emits_changed; /* "const", "false", "invalidates"; NULL: true, the default */
  /* Appends the value itself (the variant is open already). FALSE with @error
   * set, or without where memory has run out. */
  gboolean (*get)(DBusMessageIter *variant, gpointer data, GError **error);
} DispatchProperty;

/* Each list ends with a NULL name; any may be NULL. */
typedef struct {
  const char *name;
  const DispatchMethod *methods;
  const DispatchSignal *signals;
  const DispatchProperty *properties;
} DispatchInterface;

#endif
