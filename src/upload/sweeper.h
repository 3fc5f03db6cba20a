/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPLOAD_SWEEPER_H
#define UPLOAD_SWEEPER_H
/*
 * A thread that counts the uploads in the directories of the services, at the start and after a
 * refusal, and removes those that are older than their age. It looks only at files that are named
 * as uploads, of services without a handler: what a handler is told of is its application's.
 */
#include <stdbool.h>
#include <stdint.h>

struct upload_sweeper;
struct upload_quota;

/* NULL when there can be no thread; then nothing is counted again, and nothing removed. */
struct upload_sweeper *upload_sweeper_start(struct upload_quota *quota);
/* Waits for its end, at most so long. False: it hangs in a directory, and nothing was freed.
 * Accepts NULL. */
bool upload_sweeper_stop(struct upload_sweeper *sweeper, uint32_t most_ms);

#endif
