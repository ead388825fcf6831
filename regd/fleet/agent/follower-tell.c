/* SPDX-License-Identifier: MIT */
/* What the follower tells regd about itself. See follower-private.h. */
#include "regd/fleet/agent/follower-private.h"

char *follower_describe_problems(const Follower *follower) {
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < cluster_count_endpoints(follower->cluster); i++)
    if (follower->problems[i] != NULL)
      g_string_append_printf(text, "%s%s: %s", text->len > 0 ? "; " : "",
                             cluster_get_member(follower->cluster, i), follower->problems[i]);
  return g_string_free(text, FALSE);
}

static const char *const names[N_FOLLOW_STATES] = {
    [FOLLOW_OFF] = "unjoined",         [FOLLOW_WAITING] = "connecting",
    [FOLLOW_COMPARING] = "connecting", [FOLLOW_CATCHING_UP] = "connecting",
    [FOLLOW_RESYNCING] = "resync",     [FOLLOW_LIVE] = "live",
    [FOLLOW_BLOCKED] = "blocked",
};

static const char *get_name(const Follower *follower) {
  FollowState state = follower->follow.state;
  if (state != FOLLOW_WAITING && state != FOLLOW_COMPARING)
    return names[state];
  if (follower->failures >= cluster_count_endpoints(follower->cluster))
    return "disconnected";
  return follower->silent ? "stale" : names[state];
}

static const char *get_reason(const Follower *follower) {
  if (follower->follow.state == FOLLOW_LIVE)
    return "";
  if (follower->reason != NULL)
    return follower->reason;
  return follower->follow.state == FOLLOW_RESYNCING ? "everything is being read"
                                                    : "the fleet is being asked what is new";
}

void follower_tell(Follower *follower) {
  if (follower->cluster == NULL)
    return;
  gint64 age = g_get_monotonic_time() - follower->last_contact;
  g_autofree char *warning = cluster_describe_certificate(follower->cluster);
  const LinkState state = {
      .state = get_name(follower),
      .reason = get_reason(follower),
      .warning = warning != NULL ? warning : "",
      .member = cluster_get_member(follower->cluster, follower->endpoint),
      .cluster_revision = follower->cluster_revision,
      .cluster_number = follower->cluster_number,
      .last_contact = follower->last_contact > 0 ? g_get_real_time() - age : 0,
      .retries = follower->retries,
      .bytes = cluster_get_bytes(follower->cluster),
  };
  link_tell_state(follower->link, &state);
}
