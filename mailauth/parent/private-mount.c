/* SPDX-License-Identifier: MIT */
/* Lines of mountinfo: "36 35 98:0 /root /mount/point options - type source ...". */
#include "mailauth/parent/private-mount.h"

#include <string.h>

/* What systemd mounts on a private /tmp lies in a folder of such a name. */
#define SYSTEMD_PRIVATE "/systemd-private-"

typedef struct {
  char *device; /* "98:0" */
  char *root;   /* in that device */
  char *point;
} Mount;

static void mount_clear(Mount *mount) {
  g_free(mount->device);
  g_free(mount->root);
  g_free(mount->point);
  *mount = (Mount){0};
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Mount, mount_clear)

static gboolean is_below(const char *path, const char *point) {
  gsize length = strlen(point);
  if (strcmp(point, "/") == 0)
    return TRUE;
  return strncmp(path, point, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* The mount that @path lies on: the last of those with the longest mount point. */
static void find_mount(const char *mountinfo, const char *path, Mount *found) {
  g_auto(GStrv) lines = g_strsplit(mountinfo, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    g_auto(GStrv) fields = g_strsplit(*line, " ", 6);
    if (g_strv_length(fields) < 6)
      continue;
    g_autofree char *point = g_strcompress(fields[4]); /* a blank is \040 */
    if (!is_below(path, point) || (found->point != NULL && strlen(point) < strlen(found->point)))
      continue;
    mount_clear(found);
    *found = (Mount){g_strdup(fields[2]), g_strcompress(fields[3]), g_steal_pointer(&point)};
  }
}

char *private_mount_find_in(const char *mountinfo, const char *outside, const char *path) {
  g_auto(Mount) own = {0};
  g_auto(Mount) others = {0};
  find_mount(mountinfo, path, &own);
  if (own.point == NULL)
    return NULL;
  if (outside != NULL)
    find_mount(outside, path, &others);
  gboolean differs = others.point != NULL && strcmp(own.device, others.device) != 0;
  if (!differs && strstr(own.root, SYSTEMD_PRIVATE) == NULL)
    return NULL;
  return g_steal_pointer(&own.point);
}

char *private_mount_find(const char *path) {
  g_autofree char *own = NULL;
  g_autofree char *outside = NULL;
  if (!g_file_get_contents("/proc/self/mountinfo", &own, NULL, NULL))
    return NULL;
  /* A unit may be kept from seeing others' processes. */
  (void)g_file_get_contents("/proc/1/mountinfo", &outside, NULL, NULL);
  return private_mount_find_in(own, outside, path);
}
