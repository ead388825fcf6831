/* SPDX-License-Identifier: MIT */
/* Whether a login may try its password now, waits for its turn, or is held back. See
 * login-private.h. */
#include <string.h>

#include "mailauth/logins/login-private.h"
#include "mailauth/logins/throttle.h"

/* Logins under way, those of clients that have gone included. */
#define MAX_LOGINS 20000U
/* The first of a line asks no sooner, unless a try ends. */
#define MIN_LINE_MS 50U

void login_stop_waiting(Login *login) {
  g_clear_handle_id(&login->timer, g_source_remove);
  if (login->waiting != NULL)
    g_queue_delete_link(&login->logins->waiting, login->waiting);
  login->waiting = NULL;
  lines_leave(g_steal_pointer(&login->place));
}

/* Without an address only the account tells who waits for whom. */
const char *login_get_line(const Login *login) {
  return login_has_no_address(login) ? login->group : login->shown;
}

/* Those of the same address (NULL: of any) that wait may go on now. */
void logins_wake(Logins *logins, const char *group) {
  g_autoptr(GPtrArray) woken = g_ptr_array_new();
  for (GList *link = logins->waiting.head; link != NULL; link = link->next) {
    const Login *login = link->data;
    if (!login->early && (group == NULL || g_str_equal(login->group, group)))
      g_ptr_array_add(woken, link->data);
  }
  for (guint i = 0; i < woken->len; i++) {
    login_stop_waiting(woken->pdata[i]);
    login_ask_throttle(woken->pdata[i]);
  }
  if (group == NULL)
    lines_serve_all(logins->lines);
}

/* By the current settings: they may have changed while the login waited. */
static ThrottleRules make_rules(const Login *login) {
  g_autoptr(Settings) current = views_get_settings(login->logins->tools.views);
  return throttle_make_rules(current, login->client->address);
}

static ThrottleTry make_try(const Login *login) {
  return (ThrottleTry){login->shown, login->group, g_get_monotonic_time(), login->guess};
}

/* A proof by SCRAM is another each time. */
static guint32 tell_password(const Login *login) {
  const SecretPart part = {login->password.bytes, login->password.size};
  guint8 digest[SECRET_MAC_BYTES];
  guint32 word = 0;
  if (login->scram == NULL && secret_mac_make(login->logins->guesses, &part, 1, digest))
    memcpy(&word, digest, sizeof word);
  return word;
}

void login_end_try(Login *login, Outcome outcome) {
  if (!login->begun)
    return;
  const ThrottleRules rules = make_rules(login);
  ThrottleResult result = outcome == OUTCOME_OK         ? THROTTLE_SUCCESS
                          : outcome_is_counted(outcome) ? THROTTLE_FAILURE
                                                        : THROTTLE_UNDECIDED;
  login->begun = FALSE;
  const ThrottleTry try = make_try(login);
  throttle_end(login->logins->tools.throttle, &rules, &try, result, &login->delay);
  /* What is not counted looks like a first failure to the client. */
  if (outcome_is_client_failure(outcome) && !outcome_is_counted(outcome))
    login->delay = rules.failure_delay;
}

/* ---- held back ---- */

static gboolean on_waited(gpointer data) {
  login_stop_waiting(data);
  login_ask_throttle(data);
  return G_SOURCE_REMOVE;
}

/* A bound over all addresses was reached: it may be a front that tells false ones. */
static void report_guesses(const Login *login) {
  g_autofree char *alarm = throttle_take_alarm(login->logins->tools.throttle);
  const EventClient client = login_get_client(login);
  if (alarm != NULL)
    reporter_report(login->logins->tools.reporter, OUTCOME_GUESSES, EVENT_SOURCE_SERVER, &client,
                    alarm);
}

void login_wait(Login *login, guint32 wait) {
  g_queue_push_tail(&login->logins->waiting, login);
  login->waiting = login->logins->waiting.tail;
  if (wait > 0)
    login->timer = g_timeout_add(wait, on_waited, login);
}

static void wait_in_line(Login *login, const LineRequest *request) {
  login->place = lines_join(login->logins->lines, request, login);
  if (login->place == NULL)
    login_end(login, OUTCOME_CROWDED, NULL);
}

/* Where a login stands when it asks: in no line, or as the first of one. */
typedef enum { ASKS_ANEW, ASKS_FOR_ACCOUNT, ASKS_FOR_ALL } Asking;

static ThrottleAnswer begin_try(const Login *login, Asking asking, guint32 *wait) {
  const Lines *lines = login->logins->lines;
  const char *line = login_get_line(login);
  ThrottleRules rules = make_rules(login);
  rules.behind_account = asking != ASKS_FOR_ACCOUNT && lines_is_waiting(lines, line, FALSE);
  rules.behind_all = asking != ASKS_FOR_ALL && lines_is_waiting(lines, line, TRUE);
  const ThrottleTry try = make_try(login);
  ThrottleAnswer verdict = throttle_begin(login->logins->tools.throttle, &rules, &try, wait);
  report_guesses(login);
  return verdict;
}

/* How long the first of a line is to stay there; 0: it has left the line. */
static guint32 ask(Login *login, Asking asking) {
  guint32 wait = 0;
  ThrottleAnswer verdict = begin_try(login, asking, &wait);
  gboolean for_all = verdict == THROTTLE_WAIT_FOR_ALL;
  if (verdict == THROTTLE_GO) {
    login->begun = TRUE;
    login->guess = tell_password(login);
    login_prove(login);
  } else if (verdict == THROTTLE_HELD) {
    login->delay = wait;
    login_end(login, OUTCOME_HELD_BACK, NULL);
  } else if (verdict == THROTTLE_WAIT) {
    login_wait(login, wait);
  } else if (asking == (for_all ? ASKS_FOR_ALL : ASKS_FOR_ACCOUNT)) {
    return MAX(wait, MIN_LINE_MS);
  } else {
    wait_in_line(login, &(LineRequest){login_get_line(login), for_all, MAX(wait, MIN_LINE_MS)});
  }
  return 0;
}

guint32 logins_ask_in_line(gpointer waiter, gboolean for_all, gpointer data) {
  Login *login = waiter;
  LinePlace *place = g_steal_pointer(&login->place);
  guint32 wait = ask(login, for_all ? ASKS_FOR_ALL : ASKS_FOR_ACCOUNT);
  (void)data;
  if (wait > 0)
    login->place = place;
  return wait;
}

void login_ask_throttle(Login *login) {
  if (login->logins->all.length > MAX_LOGINS)
    login_end(login, OUTCOME_CROWDED, NULL);
  else
    ask(login, ASKS_ANEW);
}

void logins_visit_held(const Logins *logins, ThrottleVisit visit, gpointer data) {
  g_autoptr(Settings) settings = views_get_settings(logins->tools.views);
  const ThrottleRules rules = throttle_make_rules(settings, NULL);
  throttle_visit_held(logins->tools.throttle, &rules, g_get_monotonic_time(), visit, data);
}

guint logins_release(Logins *logins, const char *who) {
  g_autoptr(Settings) settings = views_get_settings(logins->tools.views);
  guint released = throttle_release_named(logins->tools.throttle, settings, who);
  if (released > 0)
    reporter_report(logins->tools.reporter, OUTCOME_RELEASED, EVENT_SOURCE_SERVER,
                    &(EventClient){.user = who}, who == NULL ? "everybody" : who);
  logins_wake(logins, NULL);
  return released;
}
