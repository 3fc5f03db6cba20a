/* SPDX-License-Identifier: Apache-2.0 */
#include "h2/wire_bio.h"

#include <pthread.h>
#include <string.h>

#include "base/buf.h"
#include "h2/wire.h"

struct buf *h2_wire_outlet(struct h2_wire *wire)
{
    return h2_wire_pending(wire) > 0 ? &wire->pending : &wire->scratch->out;
}

static int on_write(BIO *bio, const char *data, size_t length, size_t *written)
{
    BIO_clear_retry_flags(bio);
    buf_append(h2_wire_outlet(BIO_get_data(bio)), data, length);
    *written = length;
    return 1;
}

static int on_read(BIO *bio, char *data, size_t length, size_t *count)
{
    struct h2_wire *wire = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (wire->input_length == 0) {
        BIO_set_retry_read(bio);
        *count = 0;
        return 0;
    }
    *count = length < wire->input_length ? length : wire->input_length;
    memcpy(data, wire->input, *count);
    wire->input += *count;
    wire->input_length -= *count;
    return 1;
}

static long on_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
}

static int on_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

/* The method table is OpenSSL's equivalent of a constant: made once for the process, never freed
 * before its end. */
static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

__attribute__((destructor)) static void free_method(void)
{
    BIO_meth_free(method);
    method = NULL;
}

static void make_method(void)
{
    BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");

    if (made && BIO_meth_set_write_ex(made, on_write) && BIO_meth_set_read_ex(made, on_read) &&
        BIO_meth_set_ctrl(made, on_control) && BIO_meth_set_create(made, on_create))
        method = made;
    else
        BIO_meth_free(made);
}

BIO *h2_wire_bio_new(struct h2_wire *wire)
{
    if (pthread_once(&method_once, make_method) != 0 || !method)
        return NULL;
    BIO *bio = BIO_new(method);
    if (bio)
        BIO_set_data(bio, wire);
    return bio;
}
