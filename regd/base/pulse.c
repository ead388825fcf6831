/* SPDX-License-Identifier: MIT */
/* See pulse.h. */
#include "regd/base/pulse.h"

PulseState pulse_look(Pulse *pulse, const PulseSample *sample) {
  gboolean moved = !pulse->begun || sample->moved != pulse->moved;
  pulse->begun = TRUE;
  gboolean works =
      sample->waits_for_disk || sample->used_us - pulse->used_us >= PULSE_LEAST_WORK_US;
  pulse->moved = sample->moved;
  pulse->used_us = sample->used_us;
  pulse->looks = moved ? 0 : pulse->looks + 1;
  if (moved)
    return PULSE_BEATS;
  return works && pulse->looks <= PULSE_STEP_LOOKS ? PULSE_WAITS : PULSE_STOPPED;
}
