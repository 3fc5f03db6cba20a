/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/repository.h"

const char *const qos_state_words[QOS_STATES] = {
    [QOS_STORED] = "stored",   [QOS_ACKNOWLEDGED] = "acknowledged",
    [QOS_EXPIRED] = "expired", [QOS_DISPLACED] = "displaced",
    [QOS_DELETED] = "deleted", [QOS_UNREADABLE] = "unreadable",
};

const char *const qos_cause_words[QOS_CAUSES] = {
    [QOS_READABLE] = "",
    [QOS_BAD_ROW] = "damaged row",
    [QOS_BAD_MESSAGE] = "not a message",
    [QOS_NO_MEMORY] = "no memory",
};
