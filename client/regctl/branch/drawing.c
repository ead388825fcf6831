/* SPDX-License-Identifier: MIT */
/* See drawing.h. A line of the tree depends on whether a sibling follows, so that all of it is
 * gathered first. */
#include "client/regctl/branch/drawing.h"

#include <string.h>

#include "client/base/path.h"
#include "client/cli/reply.h"
#include "client/regctl/branch/listing.h"

#define BRANCH "\xe2\x94\x9c\xe2\x94\x80\xe2\x94\x80 " /* a key, and a sibling follows */
#define LAST "\xe2\x94\x94\xe2\x94\x80\xe2\x94\x80 "   /* the last key */
#define PASSING "\xe2\x94\x82   "                      /* beside a key with a sibling to come */
#define NOTHING "    "

typedef struct {
  char *path;
  guint depth; /* below the first key */
  GPtrArray *values;
  gboolean has_children, has_sibling; /* one that follows */
} Node;

struct Drawing {
  GPtrArray *nodes;
};

static void node_free(gpointer data) {
  Node *node = data;
  g_ptr_array_unref(node->values);
  g_free(node->path);
  g_free(node);
}

Drawing *drawing_new(void) {
  Drawing *drawing = g_new0(Drawing, 1);
  drawing->nodes = g_ptr_array_new_with_free_func(node_free);
  return drawing;
}

void drawing_free(Drawing *drawing) {
  if (drawing == NULL)
    return;
  g_ptr_array_unref(drawing->nodes);
  g_free(drawing);
}

static Node *add_node(Drawing *drawing, const char *path) {
  Node *node = g_new0(Node, 1);
  guint depth = path_count_depth(path);
  const Node *first = drawing->nodes->len > 0 ? drawing->nodes->pdata[0] : NULL;
  node->path = g_strdup(path);
  node->depth = first != NULL ? depth - path_count_depth(first->path) : 0;
  node->values = g_ptr_array_new_with_free_func((GDestroyNotify)listed_value_free);
  g_ptr_array_add(drawing->nodes, node);
  return node;
}

void drawing_add(Drawing *drawing, const char *path, const GPtrArray *values) {
  guint count = drawing->nodes->len;
  Node *node = count > 0 ? drawing->nodes->pdata[count - 1] : NULL;
  if (node == NULL || strcmp(node->path, path) != 0)
    node = add_node(drawing, path);
  for (guint i = 0; i < values->len; i++)
    g_ptr_array_add(node->values, listed_value_copy(values->pdata[i]));
}

/* Notes what follows each key, from the last to the first. */
static void look_ahead(const Drawing *drawing) {
  g_autoptr(GArray) open = g_array_new(FALSE, TRUE, sizeof(gboolean)); /* by depth */
  for (guint i = drawing->nodes->len; i > 0; i--) {
    Node *node = drawing->nodes->pdata[i - 1];
    if (open->len < node->depth + 2)
      g_array_set_size(open, node->depth + 2);
    node->has_sibling = g_array_index(open, gboolean, node->depth);
    node->has_children = g_array_index(open, gboolean, node->depth + 1);
    g_array_index(open, gboolean, node->depth) = TRUE;
    g_array_index(open, gboolean, node->depth + 1) = FALSE;
  }
}

/* @prefix becomes what stands before the children of @node. */
static void print_node(const Node *node, Session *session, GString *prefix) {
  GString *out = session_out(session);
  g_string_append(out, prefix->str);
  if (node->depth > 0)
    g_string_append(out, node->has_sibling ? BRANCH : LAST);
  listing_print_key(session, node->depth > 0 ? path_get_leaf(node->path) : node->path);
  g_string_append_c(out, '\n');
  if (node->depth > 0)
    g_string_append(prefix, node->has_sibling ? PASSING : NOTHING);
  g_autofree char *indent = g_strconcat(prefix->str, node->has_children ? PASSING : NOTHING, NULL);
  listing_print_values(session, node->path, node->values, indent);
}

gboolean drawing_print(const Drawing *drawing, Session *session, GError **error) {
  g_autoptr(GString) prefix = g_string_new(NULL);
  g_autoptr(GArray) lengths = g_array_new(FALSE, TRUE, sizeof(gsize)); /* of prefixes, by depth */
  look_ahead(drawing);
  for (guint i = 0; i < drawing->nodes->len; i++) {
    const Node *node = drawing->nodes->pdata[i];
    if (lengths->len < node->depth + 2)
      g_array_set_size(lengths, node->depth + 2);
    g_string_truncate(prefix, g_array_index(lengths, gsize, node->depth));
    print_node(node, session, prefix);
    g_array_index(lengths, gsize, node->depth + 1) = prefix->len;
    if (!session_flush_much(session, error))
      return FALSE;
  }
  return TRUE;
}
