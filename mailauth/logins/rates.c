/* SPDX-License-Identifier: MIT */
/* See rates.h: a ring with a place for each minute, which a later one takes over. */
#include "mailauth/logins/rates.h"

typedef struct {
  gint64 number; /* of the minute, since 1970 */
  guint32 counts[N_OUTCOMES];
} Minute;

struct Rates {
  Minute minutes[RATES_MINUTES];
};

Rates *rates_new(void) {
  return g_new0(Rates, 1);
}

void rates_free(Rates *rates) {
  g_free(rates);
}

static guint get_place(gint64 number) {
  return (guint)((guint64)number % RATES_MINUTES);
}

void rates_note(Rates *rates, Outcome outcome, gint64 now) {
  gint64 number = now / RATES_MINUTE_US;
  Minute *minute = &rates->minutes[get_place(number)];
  if (minute->number != number)
    *minute = (Minute){.number = number};
  minute->counts[outcome]++;
}

guint32 rates_get(const Rates *rates, Outcome outcome, gint64 time) {
  gint64 number = time / RATES_MINUTE_US;
  const Minute *minute = &rates->minutes[get_place(number)];
  return minute->number == number ? minute->counts[outcome] : 0;
}
