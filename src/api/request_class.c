/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request_class.h"

const char *const request_class_words[REQUEST_CLASSES] = {
    [REQUEST_CONNECT] = "connect", [REQUEST_MESSAGE] = "message", [REQUEST_UPLOAD] = "upload",
    [REQUEST_CALL] = "call",       [REQUEST_SEND] = "send",       [REQUEST_QUERY] = "query",
    [REQUEST_PROBE] = "probe",     [REQUEST_FILE] = "file",       [REQUEST_OTHER] = "other",
};
