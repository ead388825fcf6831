/* SPDX-License-Identifier: MIT */
/* etcd's messages, as far as they are used: requests to bytes, and answers, which are a
 * stranger's bytes, to structures. Pure. Decoding fails with FAILED for bytes that are no such
 * message, and for one that lacks what every member sends. */
#ifndef REGD_FLEET_ETCD_MESSAGES_H
#define REGD_FLEET_ETCD_MESSAGES_H

#include "client/registry.h"

/* Events and keys in one message. */
#define ETCD_LIMIT_ITEMS 1000000U

/* A key as it stands, or an event of the watch. Keys are any bytes. */
typedef struct {
  GBytes *key;
  GBytes *record; /* empty for a deletion */
  gint64 created; /* revisions of etcd */
  gint64 modified;
  gboolean deleted;
} EtcdItem;
/* Of an array of them; NULL is fine. */
void etcd_item_free(gpointer data);
/* The end of the range of all keys that begin with @prefix. */
GBytes *etcd_prefix_end(const char *prefix);

typedef struct {
  GBytes *key;
  GBytes *end;        /* or NULL: the one key */
  gint64 revision;    /* 0: the newest */
  gint64 limit;       /* 0: none */
  gboolean keys_only; /* without records */
  gboolean relaxed;   /* need not be the newest that the quorum knows: what this member knows */
} EtcdRangeQuery;
GBytes *etcd_range_encode(const EtcdRangeQuery *query);

typedef struct {
  gint64 revision;  /* of the store */
  gboolean more;    /* there is more than the limit */
  GPtrArray *items; /* of EtcdItem */
} EtcdRange;
EtcdRange *etcd_range_decode(GBytes *bytes, GError **error);
void etcd_range_free(EtcdRange *range);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EtcdRange, etcd_range_free)

/* A guard of a transaction: the key's revision of modification, or 0: it is not there. */
typedef struct {
  GBytes *key;
  gint64 modified;
  GBytes *value;    /* if not NULL: the key holds this, whatever its revision */
  gboolean present; /* the key is there, whatever it holds */
} EtcdGuard;
typedef enum { ETCD_PUT = 1, ETCD_DELETE = 2, ETCD_DELETE_RANGE = 3 } EtcdOperationKind;
typedef struct {
  EtcdOperationKind kind;
  GBytes *key;
  GBytes *data; /* the record, or the end of the range; NULL for ETCD_DELETE */
  gint64 lease; /* ETCD_PUT: the key goes when it ends; 0: none */
} EtcdOperation;
/* Of an array of them. */
void etcd_operation_free(gpointer data);
/* @guards: of EtcdGuard; @operations: of EtcdOperation. */
GBytes *etcd_transaction_encode(const GPtrArray *guards, const GPtrArray *operations);
/* Reads keys at one revision: one range each of @keys (of GBytes). */
GBytes *etcd_read_encode(const GPtrArray *keys);
typedef struct {
  gint64 revision;
  gboolean succeeded;
  GPtrArray *ranges; /* of EtcdRange, of a reading one */
} EtcdTransaction;
EtcdTransaction *etcd_transaction_decode(GBytes *bytes, GError **error);
/* The one key of the reading @transaction's range @number; NULL: it is not there. Borrowed. */
const EtcdItem *etcd_transaction_get_item(const EtcdTransaction *transaction, guint number);
void etcd_transaction_free(EtcdTransaction *transaction);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EtcdTransaction, etcd_transaction_free)

/* The first message of a watch of all keys from @key to before @end. */
GBytes *etcd_watch_encode(GBytes *key, GBytes *end, gint64 start);
/* Asks for a sign of life. */
GBytes *etcd_progress_encode(void);
typedef struct {
  gint64 revision;
  gboolean created, cancelled;
  gint64 compacted; /* 0: not the reason */
  char *reason;     /* as of grpc_make_printable(), or NULL */
  GPtrArray *items; /* of EtcdItem, in the order of their revisions */
} EtcdWatch;
EtcdWatch *etcd_watch_decode(GBytes *bytes, GError **error);
void etcd_watch_free(EtcdWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EtcdWatch, etcd_watch_free)

#endif
