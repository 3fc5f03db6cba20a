/* SPDX-License-Identifier: Apache-2.0 */
#include "qos/repository.h"

const char *const qos_state_words[QOS_STATES] = {
    [QOS_STORED] = "stored",       [QOS_ACKNOWLEDGED] = "acknowledged", [QOS_EXPIRED] = "expired",
    [QOS_DISPLACED] = "displaced", [QOS_DELETED] = "deleted",
};
