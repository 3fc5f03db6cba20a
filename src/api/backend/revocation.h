/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_REVOCATION_H
#define API_REVOCATION_H
/*
 * What those showed who are sent away does not count any more, in no worker: who is named by a user
 * or by a token loses that, connected or not; a connection's user loses the token that it showed,
 * or, without one, all that it was given.
 */

struct delivery;

/* Starts a delivery of one item for individuals, that revokes before it closes. Its prepare and its
 * context are not the caller's. */
void revocation_start(struct delivery *delivery);

#endif
