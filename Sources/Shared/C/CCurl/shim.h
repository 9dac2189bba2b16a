#pragma once
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* curl_easy_setopt, curl_easy_getinfo and curl_multi_setopt are variadic, which Swift does not import: one wrapper for each
   kind of argument. */
static inline CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}
static inline CURLcode ccurl_set_headers(CURL *easy, struct curl_slist *value) {
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, value);
}

/* Both move bytes between libcurl and `user`; they return how many, or one of the words below. */
typedef size_t (*ccurl_mover)(char *bytes, size_t size, size_t count, void *user);
typedef int (*ccurl_seeker)(void *user, curl_off_t offset, int origin);

static inline CURLcode ccurl_set_reader(CURL *easy, ccurl_mover reader, ccurl_seeker seeker, void *user) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_READFUNCTION, reader);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_READDATA, user);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seeker);
    return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_SEEKDATA, user) : code;
}
static inline CURLcode ccurl_set_writers(CURL *easy, ccurl_mover body, ccurl_mover header, void *user) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, user);
    if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header);
    return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_HEADERDATA, user) : code;
}
static inline size_t ccurl_read_pause(void) { return CURL_READFUNC_PAUSE; }
static inline size_t ccurl_read_abort(void) { return CURL_READFUNC_ABORT; }
static inline size_t ccurl_write_pause(void) { return CURL_WRITEFUNC_PAUSE; }
static inline int ccurl_seek_ok(void) { return CURL_SEEKFUNC_OK; }
static inline CURLcode ccurl_continue(CURL *easy) { return curl_easy_pause(easy, CURLPAUSE_CONT); }

static inline CURLcode ccurl_get_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}
typedef int (*ccurl_socket_call)(CURL *easy, curl_socket_t socket, int what, void *user, void *of_socket);
typedef int (*ccurl_timer_call)(CURLM *multi, long milliseconds, void *user);
static inline CURLMcode ccurl_multi_set_calls(
    CURLM *multi, ccurl_socket_call socket, ccurl_timer_call timer, void *user) {
    CURLMcode code = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket);
    if (code == CURLM_OK) code = curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, user);
    if (code == CURLM_OK) code = curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer);
    return code == CURLM_OK ? curl_multi_setopt(multi, CURLMOPT_TIMERDATA, user) : code;
}
static inline CURLMcode ccurl_multi_timeout(CURLM *multi, int *running) {
    return curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, running);
}

/* The next transfer that is over and how it ended; NULL when there is none. A CURLMsg holds a union. */
static inline CURL *ccurl_multi_next_over(CURLM *multi, CURLcode *result) {
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
        if (message->msg != CURLMSG_DONE) continue;
        *result = message->data.result;
        return message->easy_handle;
    }
    return NULL;
}

/* Requests hold keys, and libcurl gives its buffers back as they are. */
static inline void ccurl_free(void *block) {
    if (block) explicit_bzero(block, malloc_usable_size(block));
    free(block);
}

static inline void *ccurl_realloc(void *block, size_t size) {
    size_t before = block ? malloc_usable_size(block) : 0;
    if (size <= before && size >= before / 2) return block;
    void *moved = malloc(size);
    if (!moved || !block) return moved;
    memcpy(moved, block, before < size ? before : size);
    ccurl_free(block);
    return moved;
}

static inline CURLcode ccurl_global_init(void) {
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, ccurl_free, ccurl_realloc, strdup, calloc);
}

/* Where libcurl looks for one certificate at a time by its hash; NULL: it was built without such a folder. */
static inline const char *ccurl_certificate_folder(void) {
    curl_version_info_data *facts = curl_version_info(CURLVERSION_NOW);
    return facts->age >= CURLVERSION_SEVENTH ? facts->capath : NULL;
}
