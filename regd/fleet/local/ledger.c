/* SPDX-License-Identifier: MIT */
/* See ledger.h. */
#include "regd/fleet/local/ledger.h"

#include <string.h>

/* ---- numbers of 16 bytes, the last of which counts least ---- */

static void add(guint8 *sum, const guint8 *part) {
  guint carry = 0;
  for (guint i = FLEET_ID_BYTES; i > 0; i--) {
    carry += (guint)sum[i - 1] + part[i - 1];
    sum[i - 1] = (guint8)carry;
    carry >>= 8;
  }
}

static void take_off(guint8 *sum, const guint8 *part) {
  guint borrow = 0;
  for (guint i = FLEET_ID_BYTES; i > 0; i--) {
    guint less = (guint)part[i - 1] + borrow;
    borrow = sum[i - 1] < less ? 1 : 0;
    sum[i - 1] = (guint8)(sum[i - 1] - less);
  }
}

static void compute_part(const FleetRecord *record, guint8 *part) {
  g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
  guint8 whole[32];
  gsize size = 0, length = sizeof whole;
  const guint8 *data = g_bytes_get_data(record->record, &size);
  g_checksum_update(checksum, (const guchar *)record->key, (gssize)record->key_size);
  g_checksum_update(checksum, (const guchar *)"", 1);
  g_checksum_update(checksum, data != NULL ? data : (const guchar *)"", (gssize)size);
  g_checksum_get_digest(checksum, whole, &length);
  memcpy(part, whole, FLEET_ID_BYTES);
}

/* ---- what is stored ---- */

/* *@found: whether the record is held; @part is what it adds then. */
static gboolean load_part(Store *store, const FleetRecord *record, guint8 *part, gboolean *found,
                          GError **error) {
  Db *db = store_get_db(store);
  g_autoptr(DbStatement) statement =
      db_prepare(db, "SELECT part FROM fleet_records WHERE layer = ?1 AND record = ?2", error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, FLEET_LAYER);
  db_bind_text(statement, 2, record->key);
  DbStep step = db_step(db, statement, error);
  gsize size = 0;
  const void *data = step == DB_ROW ? db_column_data(statement, 0, &size) : NULL;
  *found = size == FLEET_ID_BYTES;
  if (*found)
    memcpy(part, data, FLEET_ID_BYTES);
  return step != DB_FAILED;
}

/* @part NULL: it is held no more. */
static gboolean store_part(Store *store, const FleetRecord *record, const guint8 *part,
                           GError **error) {
  Db *db = store_get_db(store);
  g_autoptr(DbStatement) statement = db_prepare(
      db,
      part != NULL ? "INSERT OR REPLACE INTO fleet_records(layer, record, part) VALUES(?1, ?2, ?3)"
                   : "DELETE FROM fleet_records WHERE layer = ?1 AND record = ?2",
      error);
  if (statement == NULL)
    return FALSE;
  db_bind_text(statement, 1, FLEET_LAYER);
  db_bind_text(statement, 2, record->key);
  if (part != NULL)
    db_bind_data(statement, 3, part, FLEET_ID_BYTES);
  return db_run(db, statement, error);
}

/* What a record adds, and added until now: zero if it is not held. */
typedef struct {
  guint8 before[FLEET_ID_BYTES], now[FLEET_ID_BYTES];
  gboolean is_same;
} Parts;

static gboolean load_parts(Store *store, const FleetRecord *record, Parts *parts, GError **error) {
  gboolean was_held = FALSE;
  *parts = (Parts){.is_same = FALSE};
  if (!load_part(store, record, parts->before, &was_held, error))
    return FALSE;
  if (record->record != NULL)
    compute_part(record, parts->now);
  parts->is_same = was_held == (record->record != NULL) &&
                   memcmp(parts->before, parts->now, sizeof parts->now) == 0;
  return TRUE;
}

gboolean ledger_holds(Store *store, const FleetRecord *record, gboolean *holds, GError **error) {
  Parts parts;
  gboolean done = load_parts(store, record, &parts, error);
  *holds = parts.is_same;
  return done;
}

gboolean ledger_note(Store *store, guint8 *digest, const FleetRecord *record, GError **error) {
  Parts parts;
  if (!load_parts(store, record, &parts, error))
    return FALSE;
  if (parts.is_same)
    return TRUE;
  take_off(digest, parts.before);
  add(digest, parts.now);
  return store_part(store, record, record->record != NULL ? parts.now : NULL, error);
}

gboolean ledger_add(Store *store, guint8 *digest, const FleetRecord *record, GError **error) {
  guint8 part[FLEET_ID_BYTES];
  if (record->record == NULL)
    return TRUE;
  compute_part(record, part);
  add(digest, part);
  return store_part(store, record, part, error);
}

gboolean ledger_clear(Store *store, guint8 *digest, GError **error) {
  memset(digest, 0, FLEET_ID_BYTES);
  return db_execute(store_get_db(store), "DELETE FROM fleet_records", error);
}
