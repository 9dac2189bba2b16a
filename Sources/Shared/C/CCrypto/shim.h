#pragma once
/* The low-level SHA-256 interface is the only one whose state can be copied out and kept: the running digest of a
   generation survives a restart in the catalog. It is marked deprecated since 3.0, so ask for the 1.1 face. */
#define OPENSSL_API_COMPAT 0x10101000L
#define OPENSSL_SUPPRESS_DEPRECATED 1
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

/* What age v1 is made of (C2SP age.md). Each returns 1, or 0: then nothing was written that may be used. Nothing is left in
   this thread's error queue, in which libcurl looks for its own. */

/* HKDF-SHA-256 (RFC 5869), 32 bytes of it. */
static inline int uploaderd_hkdf(
    const unsigned char *ikm, size_t ikm_size, const unsigned char *salt, size_t salt_size,
    const unsigned char *info, size_t info_size, unsigned char out[32])
{
    unsigned char key[32], text[256];
    unsigned int size = 0;
    int done = 0;
    if (info_size < sizeof text) {
        memcpy(text, info, info_size);
        text[info_size] = 1;
        done = HMAC(EVP_sha256(), salt_size ? (const void *)salt : "", (int)salt_size, ikm, ikm_size, key, &size)
            && HMAC(EVP_sha256(), key, 32, text, info_size + 1, out, &size);
    }
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(text, sizeof text);
    if (!done) ERR_clear_error();
    return done;
}

/* X25519 (RFC 7748); 0 also when the result is all zeros: the point is of low order. */
static inline int uploaderd_x25519(const unsigned char secret[32], const unsigned char point[32], unsigned char out[32])
{
    EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, 32);
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, 32);
    EVP_PKEY_CTX *context = own && peer ? EVP_PKEY_CTX_new(own, NULL) : NULL;
    static const unsigned char zeros[32];
    size_t size = 32;
    int done = context && EVP_PKEY_derive_init(context) > 0 && EVP_PKEY_derive_set_peer(context, peer) > 0
        && EVP_PKEY_derive(context, out, &size) > 0 && size == 32 && CRYPTO_memcmp(out, zeros, 32) != 0;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(own);
    if (!done) ERR_clear_error();
    return done;
}

/* The public key of a secret one. */
static inline int uploaderd_x25519_public(const unsigned char secret[32], unsigned char out[32])
{
    EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, 32);
    size_t size = 32;
    int done = own && EVP_PKEY_get_raw_public_key(own, out, &size) > 0 && size == 32;
    EVP_PKEY_free(own);
    if (!done) ERR_clear_error();
    return done;
}

/* ChaCha20-Poly1305 (RFC 7539) without further data: `size` bytes in, `size` + 16 out. */
static inline int uploaderd_seal(
    const unsigned char key[32], const unsigned char nonce[12], const unsigned char *in, int size, unsigned char *out)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int count = 0, rest = 0;
    int done = context && EVP_EncryptInit_ex(context, EVP_chacha20_poly1305(), NULL, key, nonce) > 0
        && (size == 0 || EVP_EncryptUpdate(context, out, &count, in, size) > 0)
        && EVP_EncryptFinal_ex(context, out + count, &rest) > 0 && count + rest == size
        && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, out + size) > 0;
    EVP_CIPHER_CTX_free(context);
    if (!done) ERR_clear_error();
    return done;
}

/* The other way: `size` + 16 bytes in, `size` out; 0 when they were not sealed so, and `out` is zeros then. */
static inline int uploaderd_open(
    const unsigned char key[32], const unsigned char nonce[12], const unsigned char *in, int size, unsigned char *out)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int count = 0, rest = 0;
    unsigned char none[16];
    int done = context && EVP_DecryptInit_ex(context, EVP_chacha20_poly1305(), NULL, key, nonce) > 0
        && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, (void *)(in + size)) > 0
        && (size == 0 || EVP_DecryptUpdate(context, out, &count, in, size) > 0)
        && EVP_DecryptFinal_ex(context, size ? out + count : none, &rest) > 0 && count + rest == size;
    EVP_CIPHER_CTX_free(context);
    if (!done) {
        if (size > 0) memset(out, 0, (size_t)size);
        ERR_clear_error();
    }
    return done;
}
