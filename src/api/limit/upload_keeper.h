/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_UPLOAD_KEEPER_H
#define API_UPLOAD_KEEPER_H
/*
 * A thread that counts the uploads that lie in the directories of the services: at the start, when
 * somebody was refused for them, and, where they have an age, to remove those that are older. It
 * looks only at files that are named as uploads are whose service has no handler: what a handler is
 * told of is its application's.
 */
#include <stdbool.h>
#include <stdint.h>

struct upload_keeper;
struct upload_quota;

/* NULL when there can be no thread; then nothing is counted again, and nothing removed. */
struct upload_keeper *upload_keeper_start(struct upload_quota *quota);
/* Waits for its end, at most so long. False: it hangs in a directory, and nothing was freed.
 * Accepts NULL. */
bool upload_keeper_stop(struct upload_keeper *keeper, uint32_t most_ms);

#endif
