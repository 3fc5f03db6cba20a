/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QOS_DECODE_H
#define QOS_DECODE_H
struct qos_copy;
struct sse_message;

/* The message of a copy, as it was sent, for that recipient alone. One reference; NULL with -EINVAL
 * in *error when what the repository has is no message, -ENOMEM when it is not known whether it is.
 */
struct sse_message *qos_decode(const struct qos_copy *copy, int *error);

#endif
