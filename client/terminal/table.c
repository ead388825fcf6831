/* SPDX-License-Identifier: MIT */
/* See table.h. */
#include "client/terminal/table.h"

#define GAP 2U            /* between two columns */
#define LEAST_DATA 10U    /* columns for data, however narrow the window */
#define SHARE_OF_NAMES 3U /* a name's part of the window */

typedef struct {
  char *name, *type, *data;
  gboolean secret;
} Row;

struct Table {
  GArray *rows;
};

static void row_clear(gpointer data) {
  Row *row = data;
  g_free(row->name);
  g_free(row->type);
  g_free(row->data);
}

Table *table_new(void) {
  Table *table = g_new0(Table, 1);
  table->rows = g_array_new(FALSE, FALSE, sizeof(Row));
  g_array_set_clear_func(table->rows, row_clear);
  return table;
}

void table_free(Table *table) {
  if (table == NULL)
    return;
  g_array_unref(table->rows);
  g_free(table);
}

void table_add(Table *table, const char *name, const char *type, const char *data,
               gboolean secret) {
  const Row row = {g_strdup(name), g_strdup(type), g_strdup(data), secret};
  g_array_append_val(table->rows, row);
}

static void append_blanks(GString *out, guint from, guint to) {
  for (; from < to; from++)
    g_string_append_c(out, ' ');
}

static void print_row(const Row *row, const Screen *screen, const guint widths[3], GString *out) {
  g_autofree char *name = screen_cut(row->name, widths[0]);
  g_autofree char *data = screen_cut(row->data, widths[2]);
  g_string_append(out, name);
  append_blanks(out, screen_measure(name), widths[0] + GAP);
  screen_paint(screen, PAINT_TYPE, row->type, out);
  if (*data != '\0')
    append_blanks(out, screen_measure(row->type), widths[1] + GAP);
  if (row->secret)
    screen_paint(screen, PAINT_SECRET, data, out);
  else
    g_string_append(out, data);
  g_string_append_c(out, '\n');
}

void table_print(const Table *table, const Screen *screen, const char *indent, GString *out) {
  guint widths[3] = {0};
  for (guint i = 0; i < table->rows->len; i++) {
    const Row *row = &g_array_index(table->rows, Row, i);
    widths[0] = MAX(widths[0], screen_measure(row->name));
    widths[1] = MAX(widths[1], screen_measure(row->type));
  }
  widths[0] = MIN(widths[0], screen->columns / SHARE_OF_NAMES);
  guint before = screen_measure(indent) + widths[0] + widths[1] + 2 * GAP;
  widths[2] = screen->columns > before + LEAST_DATA ? screen->columns - before : LEAST_DATA;
  for (guint i = 0; i < table->rows->len; i++) {
    g_string_append(out, indent);
    print_row(&g_array_index(table->rows, Row, i), screen, widths, out);
  }
}
