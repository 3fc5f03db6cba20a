/* SPDX-License-Identifier: Apache-2.0 */
#include "server/make_key.h"

#include <errno.h>
#include <string.h>

#include "auth/key_hash.h"
#include "base/random.h"

#define KEY_BYTES 24u /* more than anybody guesses, and still one line with its name before it */
#define LONGEST   512u

static int write_hash(const char *key, FILE *to, char *fault, size_t fault_size)
{
    struct auth_key_hash hash;
    char text[AUTH_KEY_HASH_TEXT];

    if (!auth_key_hash_of(key, &hash)) {
        snprintf(fault, fault_size, "OpenSSL cannot make a SHA-256 here");
        return -EIO;
    }
    auth_key_hash_print(&hash, text);
    fprintf(to, "hash %s\n", text);
    return 0;
}

int make_key(FILE *to, char *fault, size_t fault_size)
{
    char key[2 * KEY_BYTES + 1];

    random_hex(key, KEY_BYTES);
    fprintf(to, "key  %s\n", key);
    return write_hash(key, to, fault, fault_size);
}

int make_key_hash(FILE *from, FILE *to, char *fault, size_t fault_size)
{
    char key[LONGEST + 2] = "";
    size_t length;
    int rc;

    if (!fgets(key, sizeof(key), from))
        key[0] = '\0';
    length = strcspn(key, "\n");
    key[length] = '\0';
    if (length == 0 || length > LONGEST || strpbrk(key, " \t\r")) {
        snprintf(fault, fault_size,
                 "standard input holds no key; give one line of 1 to %u bytes without white space",
                 LONGEST);
        rc = -EINVAL;
    } else {
        rc = write_hash(key, to, fault, fault_size);
    }
    explicit_bzero(key, sizeof(key));
    return rc;
}
