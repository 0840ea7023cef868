// OpenSSL, with those of its macros that Swift cannot read as functions.
#ifndef COPENSSL_SHIM_H
#define COPENSSL_SHIM_H
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

// SSL_OP_* are made by a macro with an argument.
static inline void copenssl_set_options(SSL_CTX *context) {
  // An end without a goodbye is told apart by the caller; OpenSSL would refuse to write after it.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
}

static inline void copenssl_set_modes(SSL_CTX *context) {
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // A record's header and body in one system call.
  SSL_CTX_set_read_ahead(context, 1);
}

static inline int copenssl_set_minimum_version(SSL_CTX *context, int version) {
  return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline int copenssl_set_maximum_version(SSL_CTX *context, int version) {
  return (int)SSL_CTX_set_max_proto_version(context, version);
}

static inline int copenssl_set_groups(SSL_CTX *context, const char *names) {
  return (int)SSL_CTX_set1_groups_list(context, names);
}

static inline void copenssl_set_session_cache(SSL_CTX *context, long mode, long sessions) {
  SSL_CTX_set_session_cache_mode(context, mode);
  SSL_CTX_sess_set_cache_size(context, sessions);
}

static inline void copenssl_set_maximum_certificates(SSL_CTX *context, long bytes) {
  SSL_CTX_set_max_cert_list(context, bytes);
}

static inline const char *copenssl_cipher_suite(const SSL *session) { return SSL_get_cipher_name(session); }

// Whether `error` was made by a system call; its reason is an errno then.
static inline int copenssl_is_system_error(unsigned long error) { return ERR_SYSTEM_ERROR(error); }

static inline int copenssl_reason(unsigned long error) { return ERR_GET_REASON(error); }

static inline int copenssl_library(unsigned long error) { return ERR_GET_LIB(error); }

static inline void copenssl_should_retry_read(BIO *bio) { BIO_set_retry_read(bio); }

static inline void copenssl_should_retry_write(BIO *bio) { BIO_set_retry_write(bio); }

static inline void copenssl_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }
#endif
