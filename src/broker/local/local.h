/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BROKER_LOCAL_LOCAL_H
#define BROKER_LOCAL_LOCAL_H
/* The engine of a single node: SQLite, in a thread of its own (qos/store.h). */
#include "broker/engine.h"

/* An engine_maker. Does not return when there can be no thread. */
struct engine *local_engine_new(struct loop *loop, const struct engine_settings *settings,
                                const struct engine_events *events);

#endif
