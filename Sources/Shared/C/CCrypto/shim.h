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
