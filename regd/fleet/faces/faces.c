/* SPDX-License-Identifier: MIT */
/* See faces.h. */
#include "regd/fleet/faces/faces.h"

#include "client/base/protocol.h"
#include "regd/fleet/desk/hosts.h"
#include "regd/fleet/faces/faces-private.h"

static const FleetLine line = {fleet_engine_configure, fleet_engine_propose, fleet_engine_task,
                               fleet_engine_list_hosts, fleet_open_state_changed};

FleetFaces *fleet_faces_get(gpointer data) {
  const BusFace *face = data;
  return face->fleet;
}

FleetFaces *fleet_faces_new(BusFace *face, Writer *writer) {
  FleetFaces *faces = g_new0(FleetFaces, 1);
  faces->face = face;
  faces->desk = fleet_desk_new(&(FleetParts){face->service, writer, face->database}, &line, faces);
  return faces;
}

void fleet_faces_enter(FleetFaces *faces) {
  if (faces == NULL)
    return;
  DBusConnection *connection = faces->face->connection;
  faces->engine = dispatcher_new_beside(connection, FLEET_ENGINE_OBJECT_PATH,
                                        fleet_engine_interfaces, face_admit, faces->face);
  faces->open = dispatcher_new_beside(connection, FLEET_OBJECT_PATH, fleet_open_interfaces,
                                      face_admit, faces->face);
  dispatcher_set_sent(faces->engine, face_note_sent);
  dispatcher_set_sent(faces->open, face_note_sent);
}

static void lose_agent(FleetFaces *faces) {
  if (faces->agent == NULL)
    return;
  g_clear_pointer(&faces->agent, g_free);
  fleet_desk_detach(faces->desk);
}

void fleet_faces_leave(FleetFaces *faces) {
  if (faces == NULL)
    return;
  lose_agent(faces);
  g_clear_pointer(&faces->engine, dispatcher_free);
  g_clear_pointer(&faces->open, dispatcher_free);
}

void fleet_faces_note_left(FleetFaces *faces, const char *name) {
  fleet_desk_forget_waits(faces->desk, name);
  if (g_strcmp0(faces->agent, name) == 0) /* then @name may be gone with it */
    lose_agent(faces);
}

void fleet_faces_stop(FleetFaces *faces) {
  if (faces != NULL)
    fleet_desk_stop(faces->desk);
}

void fleet_faces_free(FleetFaces *faces) {
  if (faces == NULL)
    return;
  fleet_desk_free(faces->desk);
  g_free(faces->agent);
  g_free(faces);
}
