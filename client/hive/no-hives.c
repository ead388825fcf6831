/* SPDX-License-Identifier: MIT */
/* In the place of hive-reader.c and hive-writer.c where libhivex was not there. See hive.h. */
#include "client/hive/hive.h"

#include "client/base/error.h"

static gboolean refuse(GError **error) {
  return error_set(
      error, REGISTRY_ERROR_FAILED,
      "this regctl was built without libhivex and knows no hives; hivexregedit makes a "
      ".reg file of one");
}

gboolean hive_to_regfile(G_GNUC_UNUSED int from, G_GNUC_UNUSED int to, G_GNUC_UNUSED const char *at,
                         G_GNUC_UNUSED gboolean salvage, G_GNUC_UNUSED HiveReport *report,
                         GError **error) {
  return refuse(error);
}

HiveWriter *hive_writer_new(GError **error) {
  refuse(error);
  return NULL;
}

void hive_writer_free(G_GNUC_UNUSED HiveWriter *writer) {
}

gboolean hive_writer_add_key(G_GNUC_UNUSED HiveWriter *writer, G_GNUC_UNUSED guint depth,
                             G_GNUC_UNUSED const char *name, GError **error) {
  return refuse(error);
}

void hive_writer_add_value(G_GNUC_UNUSED HiveWriter *writer, G_GNUC_UNUSED const char *name,
                           G_GNUC_UNUSED const RegistryValue *value) {
}

gboolean hive_writer_finish(G_GNUC_UNUSED HiveWriter *writer, G_GNUC_UNUSED int descriptor,
                            GError **error) {
  return refuse(error);
}
