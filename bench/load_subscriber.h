/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAD_SUBSCRIBER_H
#define LOAD_SUBSCRIBER_H
/*
 * The life of a session and its event streams: opened, answered, served with events, closed.
 */
struct load_session;

/* Starts the session's handshake; its streams are asked for when that is done. Whether it succeeds
 * or not, each stream is counted as opened or failed. */
void load_session_open(struct load_session *session);

#endif
