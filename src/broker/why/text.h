/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_WHY_TEXT_H
#define BROKER_WHY_TEXT_H
/* A cause, and the facts that it rests on, as a paragraph for a person. */
#include "broker/why/cause.h"

struct buf;

void why_tell(struct buf *to, const struct why_facts *facts, enum why_cause cause);

#endif
