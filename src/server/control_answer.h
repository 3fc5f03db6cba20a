/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CONTROL_ANSWER_H
#define SERVER_CONTROL_ANSWER_H
/* What goes back over the control socket: whether it is done, words, and perhaps an open file. */
#include <stdbool.h>

struct control_answer {
    bool is_done;
    char *text; /* what there is to tell */
    int file;   /* -1: none came */
};

/* Does not wait for the client, which may be gone. The file (-1: none) stays the caller's. */
void control_answer_send(int client, bool is_done, const char *text, int file);

/* Waits for it. 0, and then it is to be released; or a negative errno. */
int control_answer_receive(int server, struct control_answer *answer);
void control_answer_release(struct control_answer *answer);

#endif
