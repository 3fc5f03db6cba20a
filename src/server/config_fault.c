/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config_fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/config.h"

int config_fail(struct config_fault *fault, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fault->message, sizeof(fault->message), format, arguments);
    va_end(arguments);
    return error;
}

int config_check_fail(const struct config_subject *subject, const char *key, const char *format,
                      ...)
{
    char place[200] = "";
    char item[40] = "";
    char sentence[400];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    if (subject->line > 0 && subject->config->file)
        snprintf(place, sizeof(place), "%.150s:%u: ", subject->config->file, subject->line);
    else if (subject->config->file)
        snprintf(place, sizeof(place), "%.150s: ", subject->config->file);
    if (*subject->list != '\0')
        snprintf(item, sizeof(item), "%s[%zu]%s", subject->list, subject->index,
                 *key != '\0' ? "." : "");
    return config_fail(subject->fault, -EINVAL, "%s%s%s: %s", place, item, key, sentence);
}

int config_check_readable(const struct config_subject *subject, const char *key, const char *path)
{
    if (access(path, R_OK) == 0)
        return 0;
    return config_check_fail(subject, key,
                             "\"%.120s\": %s; give a PEM file that this user may read", path,
                             strerror(errno));
}
