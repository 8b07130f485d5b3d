/* Sockets, the clock and the ways to leave, shared by the echo server and the load client. */
#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stdint.h>

enum { EXIT_USAGE = 2 };

/* Prints "PROGRAM: MESSAGE" on stderr and leaves with that status. */
_Noreturn void leave(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

uint64_t now_ns(void);

/* A usage error unless `text` is a number between `low` and `high`. */
double number_option(const char *option, const char *text, double low, double high);

/* A non-blocking listener on 127.0.0.1; `port` 0 picks one, and the chosen one is stored. */
int listen_on_loopback(uint16_t *port);

/* A non-blocking socket on its way to 127.0.0.1:port; -1 (and errno) when it failed at once. */
int connect_to_loopback(uint16_t port);

void set_nodelay(int fd);
void watch(int poller, int operation, int fd, uint32_t events, void *context);

/* 1,100 connections are more descriptors than the usual soft limit allows. */
void raise_descriptor_limit(void);

#endif
