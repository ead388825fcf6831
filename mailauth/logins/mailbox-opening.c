/* SPDX-License-Identifier: MIT */
/* See mailbox-opening.h. */
#include "mailauth/logins/mailbox-opening.h"

#include <unistd.h>

#include "mailauth/events/reporter.h"
#include "mailauth/logins/steps.h"
#include "mailauth/mailbox/leave.h"
#include "mailauth/settings/mail-place.h"

struct MailboxOpening {
  MailboxRequest request;
  MailboxOpened opened;
  gpointer data;
  MailboxLeaving *leaving; /* a trial's, once the Maildir was opened */
};

MailboxOpening *mailbox_opening_new(const MailboxRequest *request, MailboxOpened opened,
                                    gpointer data) {
  MailboxOpening *opening = g_new0(MailboxOpening, 1);
  *opening = (MailboxOpening){*request, opened, data, NULL};
  return opening;
}

void mailbox_opening_free(MailboxOpening *opening) {
  if (opening == NULL)
    return;
  mailbox_leaving_free(opening->leaving);
  g_free(opening);
}

static void answer(MailboxOpening *opening, MailboxResult *result) {
  if (result->capabilities == NULL)
    result->capabilities = "";
  opening->opened(result, opening->data);
}

static void end(MailboxOpening *opening, Outcome outcome, const char *detail) {
  answer(opening, &(MailboxResult){.outcome = outcome, .detail = detail, .descriptor = -1});
}

static void explain(const MailboxOpening *opening, Outcome outcome, const char *problem) {
  steps_add(opening->request.steps, "mailbox: %s%s%s",
            outcome == OUTCOME_OK ? "opened, and closed again"
                                  : outcome_get_facts(outcome)->description,
            problem != NULL && *problem != '\0' ? ": " : "", problem != NULL ? problem : "");
}

/* ---- a Maildir ---- */

static void on_left(const char *how, gpointer data) {
  MailboxOpening *opening = data;
  steps_add(opening->request.steps, "mailbox: %s", how);
  end(opening, OUTCOME_OK, NULL);
}

static void on_store_opened(Outcome outcome, const char *problem, int descriptor, gpointer data) {
  MailboxOpening *opening = data;
  if (opening->request.is_trial && descriptor >= 0) {
    opening->leaving = mailbox_leave(descriptor, on_left, opening);
    return;
  }
  if (opening->request.is_trial)
    explain(opening, outcome, problem);
  answer(opening,
         &(MailboxResult){.outcome = outcome, .detail = problem, .descriptor = descriptor});
}

/* ---- the server behind ---- */

/* A trial looks, and leaves. */
static void leave_backend(const MailboxOpening *opening, MailboxResult *result) {
  if (!opening->request.is_trial)
    return;
  explain(opening, result->outcome, result->detail);
  if (result->descriptor >= 0)
    close(result->descriptor);
  result->descriptor = -1;
}

static void on_backend_opened(const BackendResult *backend, gpointer data) {
  MailboxOpening *opening = data;
  const MailboxRequest *request = &opening->request;
  MailboxResult result = {
      .outcome = backend->outcome,
      .detail = backend->detail,
      .descriptor = backend->descriptor,
      .capabilities = backend->capabilities,
      .pending = backend->pending,
      .idle_timeout = request->settings->protocols[request->protocol].idle_timeout,
      .word = backend->word,
  };
  leave_backend(opening, &result);
  answer(opening, &result);
}

/* ---- which ---- */

static void explain_place(const MailboxRequest *request, const MailPlace *place) {
  if (place->path == NULL && place->backend != NULL)
    steps_add(request->steps, "mailbox: %s, the account's own `Backend`", place->backend);
  else
    steps_add(request->steps, "mailbox: %s",
              place->path != NULL ? place->path
                                  : request->settings->protocols[request->protocol].backend_text);
}

static void open_place(MailboxOpening *opening, const MailPlace *place) {
  const MailboxRequest *request = &opening->request;
  const ProtocolSettings *settings = &request->settings->protocols[request->protocol];
  const StoreRequest store = {request->account,    request->address,     place->path,
                              settings->mail_user, settings->unique_ids, settings->idle_timeout};
  const BackendRequest backend = {settings,        request->account, place->backend,
                                  &place->address, request->address, request->port};
  if (place->path != NULL)
    stores_open(request->stores, &store, on_store_opened, opening);
  else
    backends_open(request->backends, &backend, on_backend_opened, opening);
}

/* What a broker says of the account goes before the settings. */
static Outcome find_place(const MailboxRequest *request, MailPlace *place, char **why) {
  const Settings *settings = request->settings;
  if (request->mail_directory == NULL ||
      settings->protocols[request->protocol].store != STORE_MAILDIR)
    return mail_place_find(settings, request->protocol, request->accounts, request->account, place,
                           why);
  g_autofree char *row = g_strdup_printf("%s\\%s, Query, the user's row",
                                         settings_get_path(SETTINGS_BROKERS), settings->broker);
  *place = (MailPlace){0};
  return decision_expand_maildir(row, request->mail_directory, request->account, &place->path, why);
}

void mailbox_opening_start(MailboxOpening *opening) {
  const MailboxRequest *request = &opening->request;
  g_auto(MailPlace) place = {0};
  g_autofree char *why = NULL;
  Outcome outcome = find_place(request, &place, &why);
  if (outcome != OUTCOME_OK) {
    steps_add(request->steps, "mailbox: %s", why);
    end(opening, outcome, why);
    return;
  }
  explain_place(request, &place);
  open_place(opening, &place);
}

void mailbox_report_unreadable(const char *user, const char *address, const char *problem,
                               gpointer data) {
  const EventClient client = {.user = user, .address = address};
  reporter_report(data, OUTCOME_UNREADABLE_MAIL, protocol_get_source(PROTOCOL_POP3), &client,
                  problem);
}
