/* SPDX-License-Identifier: MIT */
/* Where a key or a value of the registry stands in etcd: paths to etcd's keys and back. Pure.
 * The keys here are those below "/regd/1/FLEET/t/LAYER/". */
#ifndef REGD_FLEET_BASE_KEY_H
#define REGD_FLEET_BASE_KEY_H

#include <glib.h>

typedef enum {
  FLEET_KEY_KEY,   /* "k/PATH" */
  FLEET_KEY_VALUE, /* "v/PATH\\NAME", with two backslashes: no component of a path is empty */
  FLEET_KEY_OTHER, /* anything else: "head", stages, what a later release puts there */
} FleetKeyKind;

/* Path and name in any spelling; the path is canonical, by path_to_string(). Owned. */
char *fleet_key_of_key(const char *path);
char *fleet_key_of_value(const char *path, const char *name);

/* Takes apart what came from etcd: any bytes. *@path and *@name (values only, else NULL) are
 * owned by the caller, and folded. FALSE: it has the prefix of a key or value and is
 * not a valid one: not UTF-8, not folded, a bad or too long component, no border between path and
 * name. */
gboolean fleet_key_parse(const char *key, gsize size, FleetKeyKind *kind, char **path, char **name);

/* Whether it begins as the record of a key or a value does. */
gboolean fleet_key_is_record(const void *key, gsize size);

#endif
