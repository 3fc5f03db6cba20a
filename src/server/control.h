/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONTROL_H
#define SERVER_CONTROL_H
/*
 * How `sse-server reload` and `sse-server backup` find the server and hear what became of it: a
 * unix socket in the state directory, for the server's own user and root. A thread of its own
 * answers, so that nobody who asks keeps a worker or the main thread waiting.
 *
 * For a backup the thread of a service's store makes a copy, and the client gets that as an open
 * file. So the server writes where it may write anyway, and the client where it may.
 */
#include <stdbool.h>
#include <stddef.h>

struct control;
struct stored_shared;
struct reload;

/* What is asked; that of CONTROL_BACKUP ends in the service's name. "": the only one whose messages
 * are in a file. */
#define CONTROL_RELOAD "reload"
#define CONTROL_BACKUP "backup "

/* NULL when there can be none, or another server has that directory: the log is told. The reload
 * and the services are borrowed. */
struct control *control_start(const char *state_directory, struct reload *reload,
                              struct stored_shared *services, size_t service_count);
/* Accepts NULL. Who waits has its answer by reload_end(), which comes first, or by its store. */
void control_stop(struct control *control);

struct control_answer {
    bool is_done;
    char *text; /* what there is to tell */
    int file;   /* -1: none came */
};

/* Asks the server of that directory, in one line, and waits for the end. 0: *answer is what it
 * says, to be released. Else a negative errno: -ENOENT or -ECONNREFUSED when no server is there. */
int control_ask(const char *state_directory, const char *question, struct control_answer *answer);
void control_answer_release(struct control_answer *answer);

/* Whether a server is there; it is asked nothing. */
bool control_has_server(const char *state_directory);

#endif
