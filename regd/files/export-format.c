/* SPDX-License-Identifier: MIT */
/* See export-format.h. */
#include "regd/files/export-format.h"

#include <string.h>

static const struct {
  const char *word;
  const ExportPrinter *printer;
} formats[EXPORT_FORMATS] = {
    [EXPORT_REG5] = {"reg5", &export_regfile},
    [EXPORT_REG4] = {"reg4", &export_regfile},
    [EXPORT_JSON] = {"json", &export_json},
};

gboolean export_format_parse(const char *word, ExportFormat *format) {
  for (ExportFormat i = 0; i < EXPORT_FORMATS; i++) {
    if (strcmp(formats[i].word, word) != 0)
      continue;
    *format = i;
    return TRUE;
  }
  return FALSE;
}

const ExportPrinter *export_format_get_printer(ExportFormat format) {
  return formats[format].printer;
}
