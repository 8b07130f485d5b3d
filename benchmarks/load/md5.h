/* MD5 (RFC 1321) of a short message: all that the hixie-76 challenge needs. */
#ifndef MD5_H
#define MD5_H

#include <stddef.h>

enum { MD5_SIZE = 16, MD5_MESSAGE_MAX = 55 };

/* The message must fit one 64-byte block with its padding: at most MD5_MESSAGE_MAX bytes. */
void md5_short(const unsigned char *message, size_t length, unsigned char digest[MD5_SIZE]);

#endif
