/* SPDX-License-Identifier: MIT */
/* What follows from tables and object paths only: introspection XML, signatures, and the
 * table of the standard interfaces. Pure. */
#ifndef CLIENT_BUS_DISPATCH_XML_H
#define CLIENT_BUS_DISPATCH_XML_H

#include "client/bus/dispatch-table.h"

/* Objects have all of these, those above them have them from Introspect on, and any path has them
 * from Ping on. */
typedef enum {
  DISPATCH_STANDARD_GET,
  DISPATCH_STANDARD_SET,
  DISPATCH_STANDARD_GET_ALL,
  DISPATCH_STANDARD_INTROSPECT,
  DISPATCH_STANDARD_PING,
  DISPATCH_STANDARD_GET_MACHINE_ID,
  DISPATCH_STANDARD_COUNT,
} DispatchStandard;

typedef struct {
  const char *interface;
  DispatchMethod method; /* without a handler: dispatch.c has its own */
} DispatchStandardMethod;
extern const DispatchStandardMethod dispatch_standard_methods[DISPATCH_STANDARD_COUNT];
/* Introspectable, Properties or Peer. */
gboolean dispatch_is_standard_interface(const char *name);

/* "sa{sv}" / "key s, options a{sv}" of a list (NULL: none); owned by the caller. */
char *dispatch_signature_of(const DispatchArgument *arguments);
char *dispatch_describe_arguments(const DispatchArgument *arguments);

/* The first component that leads from @above down to @path; NULL if @above is not strictly
 * above it. Owned by the caller. */
char *dispatch_child_towards(const char *above, const char *path);
/* The XML of an object that serves @interfaces (until one without a name); owned by
 * the caller. */
char *dispatch_introspect(const DispatchInterface *interfaces);
/* The XML of an object that has nothing but a child. */
char *dispatch_introspect_parent(const char *child);

#endif
