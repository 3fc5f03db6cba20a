/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_WHY_HISTORY_H
#define BROKER_WHY_HISTORY_H
/* What the trace of all workers says of a user and of one message: the facts as they were when that
 * was sent. */
#include "broker/why/visits.h"

void why_history_read(struct why_history *history, const struct why_evidence *evidence);
void why_history_release(struct why_history *history);

/* Fills in the message, what the user's connections were, the last refusal and the last end. facts
 * has the presence of now, and what is now; its texts are the evidence's. What is about others is
 * left out of the history then. */
void why_history_tell(struct why_history *history, const struct why_question *question,
                      struct why_facts *facts);

#endif
