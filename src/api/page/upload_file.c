/* SPDX-License-Identifier: Apache-2.0 */
#include "api/page/upload_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"

#define NAME_BYTES   16u
#define DIGEST_BYTES 32u

static int open_nameless(int directory)
{
    int fd = openat(directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

    return fd < 0 ? -errno : fd;
}

static int open_named(int directory, const char *name)
{
    int fd = openat(directory, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

    return fd < 0 ? -errno : fd;
}

static int open_file(struct upload_file *file, const char *owner)
{
    int fd = open_nameless(file->directory);
    size_t length = owner ? strlen(owner) : 0;

    memcpy(file->name, owner ? owner : "", length);
    random_hex(file->name + length, NAME_BYTES);
    if (fd == -EOPNOTSUPP || fd == -EISDIR) {
        fd = open_named(file->directory, file->name);
        file->has_name = fd >= 0;
    }
    return fd;
}

bool upload_file_owner(const char *name, char owner[UPLOAD_FILE_OWNER_SIZE])
{
    if (strlen(name) != UPLOAD_FILE_NAME_SIZE - 1 ||
        strspn(name, "0123456789abcdef") != UPLOAD_FILE_NAME_SIZE - 1)
        return false;
    memcpy(owner, name, UPLOAD_FILE_OWNER_SIZE - 1);
    owner[UPLOAD_FILE_OWNER_SIZE - 1] = '\0';
    return true;
}

int upload_file_open(struct upload_file *file, int directory, const char *owner)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();

    *file = (struct upload_file){.directory = directory, .fd = -1};
    if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(digest);
        return -ENOMEM;
    }
    file->digest = digest;
    if (directory < 0)
        return 0;
    file->fd = open_file(file, owner);
    if (file->fd < 0) {
        int rc = file->fd;

        upload_file_release(file);
        return rc;
    }
    return 0;
}

static int write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, data, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        data += written;
        length -= (size_t)written;
    }
    return 0;
}

int upload_file_write(struct upload_file *file, const char *data, size_t length)
{
    file->size += length;
    if (EVP_DigestUpdate(file->digest, data, length) != 1)
        return -EIO;
    return file->fd < 0 ? 0 : write_all(file->fd, data, length);
}

int upload_file_end(struct upload_file *file)
{
    unsigned char digest[DIGEST_BYTES];
    unsigned int length = sizeof(digest);

    if (EVP_DigestFinal_ex(file->digest, digest, &length) != 1)
        return -EIO;
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        snprintf(file->sha256 + 2 * i, 3, "%02x", digest[i]);
    EVP_MD_CTX_free(file->digest);
    file->digest = NULL;
    return 0;
}

static int give_name(const struct upload_file *file)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
    if (linkat(AT_FDCWD, path, file->directory, file->name, AT_SYMLINK_FOLLOW) < 0)
        return -errno;
    return 0;
}

int upload_file_keep(struct upload_file *file)
{
    int rc;

    if (file->fd < 0)
        return 0;
    rc = file->has_name ? 0 : give_name(file);
    if (rc == 0) {
        close(file->fd);
        file->fd = -1;
    }
    return rc;
}

void upload_file_release(struct upload_file *file)
{
    EVP_MD_CTX_free(file->digest);
    file->digest = NULL;
    if (file->fd < 0)
        return;
    close(file->fd);
    file->fd = -1;
    if (file->has_name)
        upload_file_remove(file);
}

void upload_file_remove(const struct upload_file *file)
{
    if (file->directory >= 0)
        (void)unlinkat(file->directory, file->name, 0);
}
