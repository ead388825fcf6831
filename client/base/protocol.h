/* SPDX-License-Identifier: MIT */
/* Names and limits that both ends of the bus must agree on. Every limit that a user can
 * run into is named here and nowhere else; org.regd.Registry1(5) lists them. */
#ifndef CLIENT_BASE_PROTOCOL_H
#define CLIENT_BASE_PROTOCOL_H

#define REGISTRY_BUS_NAME "org.regd.Registry1"
#define REGISTRY_OBJECT_PATH "/org/regd/Registry1"
#define REGISTRY_INTERFACE "org.regd.Registry1"
#define REGISTRY_ERROR_PREFIX "org.regd.Registry1.Error."

/* The fleet: what everybody may ask, and what regd and its agent regd-fleet say to each other. */
#define FLEET_OBJECT_PATH "/org/regd/Fleet1"
#define FLEET_INTERFACE "org.regd.Fleet1"
#define FLEET_ENGINE_OBJECT_PATH "/org/regd/FleetEngine1"
#define FLEET_ENGINE_INTERFACE "org.regd.FleetEngine1"
#define FLEET_AGENT_BUS_NAME "org.regd.FleetAgent1"

#define MAILAUTH_BUS_NAME "org.regd.MailAuth1"
#define MAILAUTH_OBJECT_PATH "/org/regd/MailAuth1"
#define MAILAUTH_INTERFACE "org.regd.MailAuth1"

/* Keys, names and links */
#define LIMIT_KEY_NAME_UNITS 255U     /* UTF-16 code units */
#define LIMIT_VALUE_NAME_UNITS 16383U /* UTF-16 code units */
#define LIMIT_DEPTH 512U              /* components */
/* What is longer in UTF-8 is past one of these limits, and is not looked at further. */
#define LIMIT_PATH_BYTES (LIMIT_DEPTH * (3U * LIMIT_KEY_NAME_UNITS + 1U))
#define LIMIT_VALUE_NAME_BYTES (3U * LIMIT_VALUE_NAME_UNITS)
#define LIMIT_LINKS 32U /* links followed in one path */
/* Values */
#define LIMIT_VALUE_SIZE_DEFAULT (1024U * 1024U)       /* bytes; live setting */
#define LIMIT_VALUE_SIZE_MAXIMUM (16U * 1024U * 1024U) /* what the setting may say */
/* Answers to reads */
#define LIMIT_TREE_PAGE_VALUES 10000U
#define LIMIT_TREE_PAGE_BYTES (4U * 1024U * 1024U)
#define LIMIT_LIST_BYTES (16U * 1024U * 1024U)
/* Signals */
#define LIMIT_SIGNAL_CHANGES 4096U
#define LIMIT_SIGNAL_BYTES (1024U * 1024U)
#define LIMIT_USER_SIGNAL_CHANGES 65536U /* of one revision, in all signals to a user */
/* History and trials */
#define LIMIT_HISTORY_REVISIONS_DEFAULT 100000U
#define LIMIT_REVISION 4611686018427387904 /* 2^62: no registry reaches it, damage does */
#define LIMIT_TRIAL_SECONDS 86400U
/* How long a caller may wait for the hosts of a fleet. */
#define LIMIT_WAIT_SECONDS 86400U
#define LIMIT_TRIALS_PER_USER 16U
#define LIMIT_ENDED_TRIALS 4096U
#define LIMIT_HISTORY_BYTES (1024U * 1024U) /* of one answer, but for its last entry */
#define LIMIT_HISTORY_ENTRY_BYTES (4U * 1024U * 1024U)
#define LIMIT_HISTORY_ENTRY_CHANGES 10000U
#define LIMIT_HISTORY_ANSWER 10000U /* revisions in one answer */
/* Files */
#define LIMIT_FILE_BYTES (256ULL * 1024U * 1024U)
#define LIMIT_FILES_PER_USER 2U
#define LIMIT_FILE_STALL_SECONDS 60U
#define LIMIT_REGFILE_LINE_BYTES (16U * 1024U * 1024U) /* one line, or one value's data in hex */
#define LIMIT_REGFILE_TEXT_BYTES (64U * 1024U) /* text over several lines, or a quote missed */
#define LIMIT_REGFILE_OPERATIONS 4000000U      /* bounds the memory of a file of tiny lines */
/* For each user except administrators; live settings */
#define LIMIT_WATCHES_DEFAULT 1024U
#define LIMIT_CALLS_DEFAULT 256U
#define LIMIT_CALL_BYTES_DEFAULT (64U * 1024U * 1024U)
#define LIMIT_STORED_BYTES_DEFAULT (64U * 1024U * 1024U)
#define LIMIT_LOCKS_DEFAULT 1024U
#define LIMIT_USER_HISTORY_BYTES_DEFAULT (64U * 1024U * 1024U)
#define LIMIT_USER_HISTORY_BYTES_LEAST 65536U
#define LIMIT_CHANGE_STEPS_DEFAULT 100000U
/* Changes: a step is a row that is read or written, or so many bytes of its data */
#define LIMIT_STEP_BYTES 1024U
#define LIMIT_CHANGE_STEPS_LEAST 1000U             /* what the setting may say, for a user */
#define LIMIT_CHANGE_STEPS_ADMINISTRATOR 40000000U /* of one change of an administrator */
/* How far what is stored may pass the limit while a change is applied, which may delete later
 * what it replaces: so many times the limit. */
#define LIMIT_STORED_BYTES_WITHIN_CHANGE 2U
/* Long reads; live settings, for administrators too */
#define LIMIT_READ_SECONDS_DEFAULT 60U  /* of one call */
#define LIMIT_READS_PER_USER_DEFAULT 2U /* that run at the same time; the others wait */
#define LIMIT_READ_SECONDS_MAXIMUM 86400U
/* Questions to polkit that wait for their answers; of more, the refusal stands */
#define LIMIT_QUESTION_MS 60000U
#define LIMIT_QUESTIONS_PER_USER 4U
#define LIMIT_QUESTIONS 16U /* of all users together */
/* Schema files */
#define LIMIT_SCHEMA_FILE_BYTES (4U * 1024U * 1024U)
#define LIMIT_PATTERN_STEPS 200000U /* of PCRE's matching, for one string */
#define LIMIT_PATTERN_DEPTH 20000U  /* of its backtracking */
/* Messages and their parts */
#define LIMIT_OPTIONS 4096U /* of one call */
#define LIMIT_COMMENT_BYTES 4096U
#define LIMIT_OWNER_BYTES 255U   /* of declarations */
#define LIMIT_REASON_BYTES 1024U /* of a lock */
#define LIMIT_ACL_ENTRIES 256U
/* Calls of a connection whose user is not known yet, and their bytes. */
#define LIMIT_CALLS_UNIDENTIFIED 8192U
#define LIMIT_CALL_BYTES_UNIDENTIFIED (32U * 1024U * 1024U)
#define LIMIT_PROGRAM_BYTES 255U                        /* of a caller's command line */
#define LIMIT_WATCHER_QUEUE_BYTES (16U * 1024U * 1024U) /* unread signals a connection */
#define LIMIT_USER_QUEUE_BYTES (32U * 1024U * 1024U)    /* of all of a user's connections */
#define LIMIT_NOTICE_BYTES (1024U * 1024U)              /* more: the client is told to read again */
#define LIMIT_OUTGOING_BYTES (64U * 1024U * 1024U)      /* not yet taken by the bus, of all */
/* A reply from here on is large: it is made on a thread, and counted until it is read. */
#define LIMIT_SHORT_REPLY_BYTES (64U * 1024U)
#define LIMIT_REPLY_WINDOW_BYTES (2U * 1024U * 1024U)  /* unread replies a connection */
#define LIMIT_USER_REPLY_BYTES (32U * 1024U * 1024U)   /* of all of a user's connections */
#define LIMIT_UNKNOWN_REPLY_BYTES (64U * 1024U)        /* of one whose user is not known yet */
#define LIMIT_REPLY_BACKLOG_BYTES (2U * 1024U * 1024U) /* not yet taken by the bus, of all */
/* Calls of a connection that wait until it reads, and their bytes, of a user's together. */
#define LIMIT_HELD_CALLS 256U
#define LIMIT_HELD_BYTES (16U * 1024U * 1024U)
/* What a call that carries file descriptors counts for, besides its bytes, while it waits: it may
 * have 16, and libdbus stops reading, from everybody, while too many of them are open. */
#define LIMIT_DESCRIPTORS_BYTES (1024U * 1024U)
#define LIMIT_CLASS_UNITS 255U
#define LIMIT_MESSAGE_BYTES (31U * 1024U * 1024U) /* a call's; the system bus takes 32 MiB */

/* The daemon's own */
#define LIMIT_SPOOL_MEMORY_BYTES (16U * 1024U * 1024U) /* of an export; more goes to a file */
/* What one read may do on the main loop; a longer one goes on a thread. See db_begin_work(). */
#define LIMIT_SHORT_READ_STEPS 256U
/* A user's short reads take at most so much of the main loop in each window; the others go on
 * threads too. */
#define LIMIT_SHORT_TURN_US 10000
#define LIMIT_SHORT_WINDOW_US 50000
/* Watches that have much to be told: how much of one in a turn, and how long in one piece. A
 * writer waits no longer for them; then they are told to read again. */
#define LIMIT_TELLING_TURN 64U
#define LIMIT_TELLING_SLICE_US 2000
#define LIMIT_TELLING_US 300000
#define LIMIT_TELLING_BACKLOG_BYTES (64U * 1024U) /* not yet taken by the bus */
#define LIMIT_OUTBOX_RETRY_MS 100U /* the bus is asked again whether a connection reads */
#define LIMIT_READING_RETRY_MS 5U  /* while large replies wait to be read */
#define LIMIT_READINGS 8U          /* threads that read at the same time, for all users together */
/* The counts of GetStatistics are used again for so long. */
#define LIMIT_COUNTS_KEPT_MS 5000U
/* A database of fewer rows is quick to count, and counted at each call. */
#define LIMIT_COUNTS_SMALL_ROWS 20000U
#define LIMIT_REPLAY_CHANGES                                                                       \
  100000U /* buffered of a replay; more: the client is told to read again */
#define LIMIT_PRUNED_DIFFERENCES 256U /* of history, deleted in one step */
/* A change of more steps leaves memory that is given back to the system. */
#define LIMIT_TRIM_STEPS 20000U
#define LIMIT_READINGS_STOP_MS 500U /* those that run at the stop */
/* When regd is stopped: what is being written, and what waits for it, may take so long. */
#define LIMIT_STOP_MS 1500U
/* After so many steps no further change shares the flush, nor does the next one of a user whose
 * last one took so many. */
#define LIMIT_GROUP_STEPS 8192U
#define LIMIT_GROUP_OPERATIONS                                                                     \
  4096U /* operations that share one flush; a larger change is flushed by itself */

#define LINK_VALUE_NAME "SymbolicLinkValue"

#endif
