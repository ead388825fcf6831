/* SPDX-License-Identifier: MIT */
/* See lease.h. */
#include "regd/fleet/etcd/lease.h"

#include "client/base/error.h"
#include "regd/fleet/base/pack.h"
#include "regd/fleet/etcd/etcd.pb-c.h"

/* What an answer may take once it is read. */
#define LIMIT_MEMORY_BYTES 65536U

GBytes *etcd_lease_grant_encode(gint64 ttl) {
  Etcdserverpb__LeaseGrantRequest message = ETCDSERVERPB__LEASE_GRANT_REQUEST__INIT;
  message.has_ttl = TRUE;
  message.ttl = ttl;
  return fleet_pack(&message.base);
}

gboolean etcd_lease_grant_decode(GBytes *bytes, gint64 *id, gint64 *ttl, GError **error) {
  ProtobufCMessage *message =
      fleet_unpack(&etcdserverpb__lease_grant_response__descriptor, bytes, LIMIT_MEMORY_BYTES);
  if (message == NULL)
    return error_set(error, REGISTRY_ERROR_FAILED, "what etcd says of a lease can't be read");
  const Etcdserverpb__LeaseGrantResponse *answer =
      (const Etcdserverpb__LeaseGrantResponse *)message;
  gboolean granted = answer->id > 0 && answer->ttl > 0;
  *id = answer->id;
  if (ttl != NULL)
    *ttl = answer->ttl;
  protobuf_c_message_free_unpacked(message, NULL);
  return granted || error_set(error, REGISTRY_ERROR_FAILED, "etcd grants no lease");
}

GBytes *etcd_lease_keep_encode(gint64 id) {
  Etcdserverpb__LeaseKeepAliveRequest message = ETCDSERVERPB__LEASE_KEEP_ALIVE_REQUEST__INIT;
  message.has_id = TRUE;
  message.id = id;
  return fleet_pack(&message.base);
}

gboolean etcd_lease_keep_decode(GBytes *bytes, gint64 *ttl, GError **error) {
  ProtobufCMessage *message =
      fleet_unpack(&etcdserverpb__lease_keep_alive_response__descriptor, bytes, LIMIT_MEMORY_BYTES);
  if (message == NULL)
    return error_set(error, REGISTRY_ERROR_FAILED, "what etcd says of a lease can't be read");
  const Etcdserverpb__LeaseKeepAliveResponse *answer =
      (const Etcdserverpb__LeaseKeepAliveResponse *)message;
  gboolean is_one = answer->id != 0;
  *ttl = MAX(answer->ttl, 0);
  protobuf_c_message_free_unpacked(message, NULL);
  return is_one || error_set(error, REGISTRY_ERROR_FAILED, "etcd names no lease");
}
