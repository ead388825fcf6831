/* SPDX-License-Identifier: MIT */
/* The records of a fleet between bytes and structures. Pure. What is decoded is a stranger's:
 * every decode function checks sizes, ids, UTF-8 and the registry's own limits, and fails with
 * INVALID_VALUE, which says what is wrong and not where: the caller knows the key. */
#ifndef REGD_FLEET_BASE_RECORD_H
#define REGD_FLEET_BASE_RECORD_H

#include "client/base/change.h"
#include "regd/fleet/base/limits.h"
#include "regd/fleet/base/open-trials.h"

#define FLEET_ID_BYTES 16U
/* The layout of records and keys that this release writes, and the only one that it reads. */
#define FLEET_FORMAT 1U

/* Whether @text can be a host, a user or a program of a record: at most FLEET_LIMIT_WORD_BYTES of
 * UTF-8 without control characters. NULL is fine. INVALID_VALUE. */
gboolean fleet_word_check(const char *text, GError **error);

/* A commit. */
typedef struct {
  guint8 id[FLEET_ID_BYTES];
  guint8 previous[FLEET_ID_BYTES];
  gboolean has_previous; /* FALSE: the first */
  guint64 number;        /* from 1 */
  char *host;            /* this and the next three may be NULL */
  char *user;
  char *program;
  char *comment;
  gint64 time; /* us since 1970, by its host's clock */
  guint32 operations;
  guint32 staged;  /* chunks; 0: a small commit */
  guint32 trial;   /* seconds; 0: none */
  guint64 ends;    /* the number of the commit whose trial it ends; 0: none */
  gboolean undoes; /* that is undone; FALSE: confirmed */
  OpenTrials open; /* after it */
} FleetHead;

typedef struct {
  char *spelling;   /* of the last component */
  char *class_name; /* or NULL */
  char *link;       /* where it leads, or NULL */
  gboolean has_list;
  GPtrArray *list; /* of AclText; NULL if !has_list */
  guint32 ordinal; /* its place among what its commit made */
} FleetKey;

typedef struct {
  char *spelling;
  RegistryValue *value; /* NULL: sealed */
  GBytes *sealed;       /* or NULL */
  guint32 type;         /* of a sealed value */
  guint32 ordinal;
} FleetValue;

/* A fleet. */
typedef struct {
  guint8 uuid[FLEET_ID_BYTES];
  gint64 created; /* us since 1970 */
  char **mounts;  /* never NULL */
  guint32 format;
} FleetInfo;

/* A host's newest commit. */
typedef struct {
  guint8 id[FLEET_ID_BYTES];
  guint64 number;
} FleetLast;

/* What a host tells of itself. */
typedef struct {
  guint64 applied; /* etcd's revision */
  guint64 number;  /* of the commit that it holds; 0: none yet */
  gboolean has_head, has_digest;
  guint8 head[FLEET_ID_BYTES]; /* of that commit */
  guint8 digest[FLEET_ID_BYTES];
  char *state;      /* this and `version` may be NULL */
  char *version;    /* of its regd */
  gint64 since;     /* us since 1970, by its clock */
  guint32 problems; /* records that it can't use */
} FleetHost;

GBytes *fleet_head_encode(const FleetHead *head);
FleetHead *fleet_head_decode(GBytes *bytes, GError **error);
void fleet_head_free(FleetHead *head);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetHead, fleet_head_free)

GBytes *fleet_key_encode(const FleetKey *key);
FleetKey *fleet_key_decode(GBytes *bytes, GError **error);
void fleet_key_free(FleetKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetKey, fleet_key_free)

GBytes *fleet_value_encode(const FleetValue *value);
FleetValue *fleet_value_decode(GBytes *bytes, GError **error);
void fleet_value_free(FleetValue *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetValue, fleet_value_free)

/* Decoding fails for a format that is newer than FLEET_FORMAT. */
GBytes *fleet_info_encode(const FleetInfo *info);
FleetInfo *fleet_info_decode(GBytes *bytes, GError **error);
void fleet_info_free(FleetInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetInfo, fleet_info_free)

GBytes *fleet_last_encode(const FleetLast *last);
gboolean fleet_last_decode(GBytes *bytes, FleetLast *last, GError **error);

GBytes *fleet_host_encode(const FleetHost *host);
FleetHost *fleet_host_decode(GBytes *bytes, GError **error);
void fleet_host_free(FleetHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetHost, fleet_host_free)

#endif
