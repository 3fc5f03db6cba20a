/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request_class.h"

const char *const request_class_words[REQUEST_CLASSES] = {
    [REQUEST_CONNECT] = "connect", [REQUEST_MESSAGE] = "message", [REQUEST_UPLOAD] = "upload",
    [REQUEST_CALL] = "call",       [REQUEST_SEND] = "send",       [REQUEST_QUERY] = "query",
    [REQUEST_PROBE] = "probe",     [REQUEST_FILE] = "file",       [REQUEST_OTHER] = "other",
};

const char *const request_result_words[REQUEST_RESULTS] = {
    [RESULT_2XX] = "2xx", [RESULT_3XX] = "3xx", [RESULT_401] = "401", [RESULT_403] = "403",
    [RESULT_429] = "429", [RESULT_4XX] = "4xx", [RESULT_503] = "503", [RESULT_5XX] = "5xx",
};

enum request_result request_result_of(int status)
{
    switch (status) {
    case 401:
        return RESULT_401;
    case 403:
        return RESULT_403;
    case 429:
        return RESULT_429;
    case 503:
        return RESULT_503;
    default:
        if (status >= 400)
            return status < 500 ? RESULT_4XX : RESULT_5XX;
        return status < 300 ? RESULT_2XX : RESULT_3XX;
    }
}
