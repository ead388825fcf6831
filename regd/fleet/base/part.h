/* SPDX-License-Identifier: MIT */
/* A commit that is larger than one transaction of etcd: its parts, and the record that stands in
 * the layer until each of them is in its place. Pure. What is decoded is a stranger's. */
#ifndef REGD_FLEET_BASE_PART_H
#define REGD_FLEET_BASE_PART_H

#include "regd/fleet/base/record.h"

/* One key or value that is written or deleted. */
typedef struct {
  GBytes *key;    /* below the layer: that of a key or a value */
  GBytes *record; /* NULL: it is deleted */
} FleetStep;
/* References both. */
FleetStep *fleet_step_new(GBytes *key, GBytes *record);
void fleet_step_free(gpointer data);

/* Where the part ends that begins with @steps[first]: it holds at most @most steps and about
 * @bytes, and one step at least. */
guint fleet_part_find_end(const GPtrArray *steps, guint first, guint most, gsize bytes);
/* Those of @steps from @first to before @end. */
GBytes *fleet_part_encode(const GPtrArray *steps, guint first, guint end);
/* Adds to @steps. INVALID_VALUE: it can't be read, or a step is not of a key or value. */
gboolean fleet_part_decode(GBytes *bytes, GPtrArray *steps, GError **error);

/* A commit that has been made, and is not in its places yet. */
typedef struct {
  guint8 id[FLEET_ID_BYTES];
  guint32 parts; /* from 1 to FLEET_LIMIT_PARTS */
  guint32 done;  /* at most `parts` */
} FleetPending;
GBytes *fleet_pending_encode(const FleetPending *pending);
gboolean fleet_pending_decode(GBytes *bytes, FleetPending *pending, GError **error);

/* Keys below the layer. @id is written as 32 hex digits. Owned. */
#define FLEET_KEY_PENDING "pending"
#define FLEET_KEY_STAGES "s/"
char *fleet_key_of_stage(const guint8 *id); /* "s/ID/", where all of it begins */
char *fleet_key_of_part(const guint8 *id, guint32 number);
char *fleet_key_of_owner(const guint8 *id);
/* FALSE: @key lies in no stage. */
gboolean fleet_key_parse_stage(const char *key, gsize size, guint8 *id, gboolean *is_owner);

#endif
