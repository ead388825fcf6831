/* SPDX-License-Identifier: MIT */
/* See faces.h: built without the fleet. */
#include "regd/fleet/faces/faces.h"

FleetFaces *fleet_faces_new(G_GNUC_UNUSED BusFace *face, G_GNUC_UNUSED Writer *writer) {
  return NULL;
}

void fleet_faces_enter(G_GNUC_UNUSED FleetFaces *faces) {
}

void fleet_faces_leave(G_GNUC_UNUSED FleetFaces *faces) {
}

void fleet_faces_note_left(G_GNUC_UNUSED FleetFaces *faces, G_GNUC_UNUSED const char *name) {
}

void fleet_faces_stop(G_GNUC_UNUSED FleetFaces *faces) {
}

void fleet_faces_free(G_GNUC_UNUSED FleetFaces *faces) {
}
