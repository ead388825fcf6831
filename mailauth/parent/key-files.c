/* SPDX-License-Identifier: MIT */
/* See key-files.h. */
#include "mailauth/parent/key-files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/error.h"

static int open_file(const char *name, GError **error) {
  struct stat status;
  int file = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (file < 0) {
    error_set(error, REGISTRY_ERROR_FAILED, "%s", g_strerror(errno));
    return -1;
  }
  if (fstat(file, &status) == 0 && S_ISREG(status.st_mode))
    return file;
  close(file);
  error_set(error, REGISTRY_ERROR_FAILED, "It is no regular file");
  return -1;
}

/* Opens @name, or tells the verifier why not. */
static int open_for_front(Child *verifier, guint64 request, const char *name) {
  g_autoptr(GError) error = NULL;
  int file = open_file(name, &error);
  if (file < 0)
    child_tell(verifier, MESSAGE_FILE_PROBLEM,
               g_variant_new("(tss)", request, name, error->message), NULL, 0);
  return file;
}

void key_files_pass(Child *front, Child *verifier, const Message *message) {
  guint64 request;
  const char *certificate, *key;
  g_variant_get(message->body, "(t&sy&s&s)", &request, NULL, NULL, &certificate, &key);
  if (certificate[0] == '\0' || key[0] == '\0') {
    child_tell(front, MESSAGE_KEYS, message->body, NULL, 0);
    return;
  }
  int files[] = {open_for_front(verifier, request, certificate), -1};
  if (files[0] >= 0)
    files[1] = open_for_front(verifier, request, key);
  if (files[1] >= 0)
    child_tell(front, MESSAGE_KEYS, message->body, files, G_N_ELEMENTS(files));
  for (guint i = 0; i < G_N_ELEMENTS(files); i++)
    if (files[i] >= 0)
      close(files[i]);
}
