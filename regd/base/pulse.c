/* SPDX-License-Identifier: MIT */
/* See pulse.h. */
#include "regd/base/pulse.h"

PulseState pulse_look(Pulse *pulse, const PulseSample *sample) {
  gboolean moved = !pulse->begun || sample->moved != pulse->moved;
  pulse->begun = TRUE;
  pulse->moved = sample->moved;
  pulse->looks = moved ? 0 : pulse->looks + 1;
  if (moved)
    return PULSE_BEATS;
  return sample->waits_for_disk && pulse->looks <= PULSE_DISK_LOOKS ? PULSE_WAITS : PULSE_STOPPED;
}
