/* SHA-1 (RFC 3174) of a short message: all that the key of RFC 6455 needs. */
#ifndef SHA1_H
#define SHA1_H

#include <stddef.h>

enum { SHA1_SIZE = 20, SHA1_MESSAGE_MAX = 119 };

/* The message must fit two 64-byte blocks with its padding: at most SHA1_MESSAGE_MAX bytes. */
void sha1_short(const unsigned char *message, size_t length, unsigned char digest[SHA1_SIZE]);

#endif
