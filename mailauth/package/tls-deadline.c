/* SPDX-License-Identifier: MIT */
/* See tls-deadline.h. A layer of liblber's, right above the one of the socket. */
#include "mailauth/package/tls-deadline.h"

#include <errno.h>
#include <poll.h>

#define LEVEL (LBER_SBIOD_LEVEL_PROVIDER + 1)

/* TRUE: it goes on without waiting, or ends with an error of its own. */
static gboolean wait_for(const TlsDeadline *deadline, short events) {
  struct pollfd ready = {.fd = deadline->socket, .events = events};
  for (;;) {
    gint64 rest = MAX(deadline->end - g_get_monotonic_time(), 0);
    int count = poll(&ready, 1, (int)MIN((rest + 999) / 1000, G_MAXINT));
    if (count > 0)
      return TRUE;
    if (count == 0)
      errno = ETIMEDOUT;
    if (count == 0 || errno != EINTR)
      return FALSE;
  }
}

static ber_slen_t read_in_time(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t size) {
  const TlsDeadline *deadline = layer->sbiod_pvt;
  if (deadline->end != 0 && !wait_for(deadline, POLLIN))
    return -1;
  return LBER_SBIOD_READ_NEXT(layer, bytes, size);
}

static ber_slen_t write_in_time(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t size) {
  const TlsDeadline *deadline = layer->sbiod_pvt;
  if (deadline->end != 0 && !wait_for(deadline, POLLOUT))
    return -1;
  return LBER_SBIOD_WRITE_NEXT(layer, bytes, size);
}

static int set_up(Sockbuf_IO_Desc *layer, void *deadline) {
  layer->sbiod_pvt = deadline;
  return 0;
}

static int control(Sockbuf_IO_Desc *layer, int option, void *argument) {
  return LBER_SBIOD_CTRL_NEXT(layer, option, argument);
}

gboolean tls_deadline_attach(TlsDeadline *deadline, Sockbuf *buffer) {
  static Sockbuf_IO layer = {.sbi_setup = set_up,
                             .sbi_ctrl = control,
                             .sbi_read = read_in_time,
                             .sbi_write = write_in_time};
  return ber_sockbuf_add_io(buffer, &layer, LEVEL, deadline) == 0;
}
