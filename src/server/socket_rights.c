/* SPDX-License-Identifier: Apache-2.0 */
#include "server/socket_rights.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "h2/listener.h"
#include "server/config.h"

#define GROUP_BYTES 16384u /* more than a group's members need here: they are not looked at */

static bool read_mode(const char *text, mode_t *mode)
{
    *mode = (mode_t)strtoul(text, NULL, 8);
    return strspn(text, "01234567") == strlen(text) && *mode <= 0777;
}

static bool find_group(const char *text, gid_t *group)
{
    char bytes[GROUP_BYTES];
    struct group found, *result = NULL;
    char *end;
    const unsigned long number = strtoul(text, &end, 10);

    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && number < UINT32_MAX) {
        *group = (gid_t)number;
        return true;
    }
    if (getgrnam_r(text, &found, bytes, sizeof(bytes), &result) != 0 || !result)
        return false;
    *group = result->gr_gid;
    return true;
}

const char *socket_rights_check(const struct config_listener *listener, char *fault, size_t size)
{
    const char *key = *listener->socket_mode != '\0' ? "socketMode" : "socketGroup";
    mode_t mode;
    gid_t group;

    if (*listener->socket_mode == '\0' && *listener->socket_group == '\0')
        return NULL;
    if (!h2_address_unix_path(listener->address)) {
        snprintf(fault, size, "is of unix sockets only, such as unix:/run/sse.sock; leave it out");
        return key;
    }
    if (!read_mode(listener->socket_mode, &mode)) {
        snprintf(fault, size, "\"%.10s\" is no mode; use octal digits such as \"0660\"",
                 listener->socket_mode);
        return "socketMode";
    }
    if (*listener->socket_group != '\0' && !find_group(listener->socket_group, &group)) {
        snprintf(fault, size, "there is no group \"%.64s\" here", listener->socket_group);
        return "socketGroup";
    }
    return NULL;
}

int socket_rights_set(const struct config_listener *listener, char *fault, size_t size)
{
    const char *path = h2_address_unix_path(listener->address);
    mode_t mode;
    gid_t group;
    int rc = 0;

    if (!path)
        return 0;
    if (*listener->socket_group != '\0' &&
        (!find_group(listener->socket_group, &group) || chown(path, (uid_t)-1, group) != 0)) {
        rc = errno != 0 ? -errno : -ENOENT;
        snprintf(fault, size, "%s cannot be given to the group %s: %s", listener->address,
                 listener->socket_group, strerror(-rc));
    } else if (*listener->socket_mode != '\0' &&
               (!read_mode(listener->socket_mode, &mode) || chmod(path, mode) != 0)) {
        rc = errno != 0 ? -errno : -EINVAL;
        snprintf(fault, size, "%s cannot have the mode %s: %s", listener->address,
                 listener->socket_mode, strerror(-rc));
    }
    return rc;
}
