/* SPDX-License-Identifier: MIT */
/* The fleet's two faces on the bus: org.regd.Fleet1 for everybody, and org.regd.FleetEngine1 for
 * regd-fleet, the agent that talks to the cluster. Built without the fleet nothing of it is there
 * (no-fleet.c). */
#ifndef REGD_FLEET_FACES_FACES_H
#define REGD_FLEET_FACES_FACES_H

#include "regd/bus/face.h"

typedef struct FleetFaces FleetFaces;
/* @face has its service; both are borrowed. NULL: built without. The next functions take it. */
FleetFaces *fleet_faces_new(BusFace *face, Writer *writer);
/* The connection of the face is there / goes. */
void fleet_faces_enter(FleetFaces *faces);
void fleet_faces_leave(FleetFaces *faces);
/* A connection has left the bus. */
void fleet_faces_note_left(FleetFaces *faces, const char *name);
/* Answers all who wait; call before the writer is stopped. */
void fleet_faces_stop(FleetFaces *faces);
/* Call after it was stopped. */
void fleet_faces_free(FleetFaces *faces);

#endif
