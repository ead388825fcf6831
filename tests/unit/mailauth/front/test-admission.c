/* SPDX-License-Identifier: MIT */
/* Who is let in: limits of a protocol and of a subscriber, and who makes room. */
#include "mailauth/front/admission.h"

#include <sys/socket.h>
#include <unistd.h>

typedef struct {
  SessionHost host;
  Admission admission;
  GArray *peers; /* of int: the clients' ends */
} Door;

static void on_ended(G_GNUC_UNUSED Session *session, G_GNUC_UNUSED gpointer owner) {
}

static void set_up(Door *door) {
  *door = (Door){.host.ended = on_ended, .host.owner = door};
  door->host.poller = poller_new(NULL);
  g_assert_nonnull(door->host.poller);
  for (guint i = 0; i < N_PROTOCOLS; i++)
    door->host.settings[i] =
        (SessionSettings){.login_timeout = 60, .max_connections = 3, .max_per_address = 2};
  door->peers = g_array_new(FALSE, FALSE, sizeof(int));
  admission_init(&door->admission);
}

static void tear_down(Door *door) {
  for (guint i = 0; i < N_PROTOCOLS; i++) {
    for (GList *link = door->admission.not_logged_in[i].head; link != NULL; link = link->next)
      session_dismiss(link->data, "Bye.");
    for (GList *link = door->admission.logged_in[i].head; link != NULL; link = link->next)
      session_dismiss(link->data, "Bye.");
  }
  admission_clear(&door->admission);
  poller_free(door->host.poller);
  for (guint i = 0; i < door->peers->len; i++)
    close(g_array_index(door->peers, int, i));
  g_array_unref(door->peers);
}

static ClientAddress parse(const char *text) {
  ClientAddress address;
  g_assert_true(client_address_parse(text, &address));
  return address;
}

static AdmissionResult judge(const Door *door, Protocol protocol, const char *text) {
  ClientAddress address = parse(text);
  return admission_judge(&door->admission, protocol, &address, &door->host.settings[protocol]);
}

static Session *enter(Door *door, Protocol protocol, const char *text) {
  int ends[2];
  ClientAddress address = parse(text);
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
  g_array_append_val(door->peers, ends[1]);
  const SessionArrival arrival = {ends[0], protocol, FALSE, {.address = address}, FALSE};
  Session *session = session_new(&door->host, &arrival);
  admission_add(&door->admission, session, &address);
  return session;
}

static void test_subscriber(void) {
  static const struct {
    const char *text;
    AdmissionResult result;
  } rows[] = {
      {"192.0.2.1", REFUSE_SUBSCRIBER},
      {"::ffff:192.0.2.1", REFUSE_SUBSCRIBER},
      {"192.0.2.2", ADMIT},
      {"2001:db8:1:2::9", ADMIT},
      {"2001:db8:7:7:1::1", REFUSE_SUBSCRIBER},
      {"2001:db8:7:8::1", ADMIT},
  };
  Door door;
  set_up(&door);
  door.host.settings[PROTOCOL_POP3].max_connections = 100;
  enter(&door, PROTOCOL_POP3, "192.0.2.1");
  g_assert_cmpint(judge(&door, PROTOCOL_POP3, "192.0.2.1"), ==, ADMIT);
  enter(&door, PROTOCOL_POP3, "192.0.2.1");
  enter(&door, PROTOCOL_POP3, "2001:db8:7:7::1");
  enter(&door, PROTOCOL_POP3, "2001:db8:7:7::2");
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    g_assert_cmpint(judge(&door, PROTOCOL_POP3, rows[i].text), ==, rows[i].result);
  tear_down(&door);
}

/* A subscriber's connections are counted over both protocols. */
static void test_both_protocols(void) {
  Door door;
  set_up(&door);
  enter(&door, PROTOCOL_POP3, "192.0.2.1");
  enter(&door, PROTOCOL_IMAP, "192.0.2.1");
  g_assert_cmpint(judge(&door, PROTOCOL_POP3, "192.0.2.1"), ==, REFUSE_SUBSCRIBER);
  g_assert_cmpint(judge(&door, PROTOCOL_IMAP, "192.0.2.1"), ==, REFUSE_SUBSCRIBER);
  tear_down(&door);
}

static void test_full(void) {
  Door door;
  set_up(&door);
  Session *first = enter(&door, PROTOCOL_POP3, "192.0.2.1");
  Session *second = enter(&door, PROTOCOL_POP3, "192.0.2.2");
  g_assert_cmpint(judge(&door, PROTOCOL_POP3, "192.0.2.9"), ==, ADMIT);
  Session *third = enter(&door, PROTOCOL_POP3, "192.0.2.3");
  g_assert_cmpint(judge(&door, PROTOCOL_POP3, "192.0.2.9"), ==, ADMIT_INSTEAD);
  g_assert_cmpint(judge(&door, PROTOCOL_IMAP, "192.0.2.9"), ==, ADMIT);
  g_assert_true(admission_get_oldest(&door.admission, PROTOCOL_POP3) == first);
  g_assert_null(admission_get_oldest(&door.admission, PROTOCOL_IMAP));
  /* Sessions that have logged in make no room. */
  admission_note_login(&door.admission, first);
  g_assert_true(admission_get_oldest(&door.admission, PROTOCOL_POP3) == second);
  g_assert_true(admission_get_logged_in(&door.admission, PROTOCOL_POP3) == first);
  admission_note_login(&door.admission, third);
  admission_note_login(&door.admission, second);
  g_assert_null(admission_get_oldest(&door.admission, PROTOCOL_POP3));
  g_assert_cmpint(judge(&door, PROTOCOL_POP3, "192.0.2.9"), ==, REFUSE_FULL);
  tear_down(&door);
}

static void test_removal(void) {
  Door door;
  set_up(&door);
  Session *first = enter(&door, PROTOCOL_POP3, "192.0.2.1");
  Session *second = enter(&door, PROTOCOL_POP3, "192.0.2.1");
  enter(&door, PROTOCOL_POP3, "192.0.2.2");
  g_assert_cmpint(judge(&door, PROTOCOL_POP3, "192.0.2.1"), ==, REFUSE_SUBSCRIBER);
  admission_remove(&door.admission, first);
  g_assert_cmpint(judge(&door, PROTOCOL_POP3, "192.0.2.1"), ==, ADMIT);
  g_assert_cmpuint(g_hash_table_size(door.admission.subscribers), ==, 2);
  g_assert_true(admission_get_oldest(&door.admission, PROTOCOL_POP3) == second);
  admission_remove(&door.admission, second);
  g_assert_cmpuint(g_hash_table_size(door.admission.subscribers), ==, 1);
  session_dismiss(first, "Bye.");
  session_dismiss(second, "Bye.");
  tear_down(&door);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/admission/subscriber", test_subscriber);
  g_test_add_func("/admission/both-protocols", test_both_protocols);
  g_test_add_func("/admission/full", test_full);
  g_test_add_func("/admission/removal", test_removal);
  return g_test_run();
}
