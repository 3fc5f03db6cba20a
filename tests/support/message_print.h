/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_MESSAGE_PRINT_H
#define SUPPORT_MESSAGE_PRINT_H
/* Messages between workers, for who reads what a simulation did. */

struct broker_message;
struct buf;

/* Appends one line without its end: "attach service=1 from=0 …". No secret is in it: no token, no
 * whole id of a connection, no body. */
void broker_message_print(const struct broker_message *message, struct buf *to);

#endif
