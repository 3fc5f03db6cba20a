/* SPDX-License-Identifier: Apache-2.0 */
#include "outbound/fault.h"

#include <errno.h>
#include <openssl/x509_vfy.h>

static struct outbound_fault fault_of_connect(CURL *easy)
{
    long number = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
    switch (number) {
    case ETIMEDOUT:
        return (struct outbound_fault){-ETIMEDOUT, "nobody answers at its address"};
    case ENETUNREACH:
    case EHOSTUNREACH:
        return (struct outbound_fault){-EHOSTUNREACH, "there is no way to its address"};
    default:
        return (struct outbound_fault){-ECONNREFUSED, "it takes no connections"};
    }
}

static struct outbound_fault fault_of_certificate(CURL *easy)
{
    long result = X509_V_OK;

    (void)curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
    if (result == X509_V_OK)
        return (struct outbound_fault){-EPROTO, "its certificate is for another name"};
    return (struct outbound_fault){-EPROTO, X509_verify_cert_error_string(result)};
}

/* The sentences of curl_easy_strerror() are static, and name no part of a request. */
struct outbound_fault outbound_fault_of(CURL *easy, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return (struct outbound_fault){0, NULL};
    case CURLE_URL_MALFORMAT:
        return (struct outbound_fault){-EINVAL, curl_easy_strerror(code)};
    case CURLE_UNSUPPORTED_PROTOCOL: /* other schemes never come here */
    case CURLE_WEIRD_SERVER_REPLY:
        return (struct outbound_fault){-EPROTO, "its answer is not HTTP"};
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return (struct outbound_fault){-EHOSTUNREACH, "its name has no address"};
    case CURLE_COULDNT_CONNECT:
        return fault_of_connect(easy);
    case CURLE_OPERATION_TIMEDOUT:
        return (struct outbound_fault){-ETIMEDOUT, "no connection was made in time"};
    case CURLE_PEER_FAILED_VERIFICATION:
        return fault_of_certificate(easy);
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_FAIL_REWIND:
        return (struct outbound_fault){-EIO, "the connection broke"};
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_SSL_CACERT_BADFILE:
        return (struct outbound_fault){-EIO, curl_easy_strerror(code)};
    default: /* what is left for HTTP is about TLS, or about how the answer looks */
        return (struct outbound_fault){-EPROTO, curl_easy_strerror(code)};
    }
}
