// The Linux calls that Swift's Glibc module leaves out, and the macros that Swift cannot read.
#ifndef CSYSTEM_H
#define CSYSTEM_H
#include <linux/filter.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

// accept4 with SOCK_NONBLOCK | SOCK_CLOEXEC, which says who has connected; Glibc declares it only under _GNU_SOURCE.
int csystem_accept(int listener, struct sockaddr_storage *peer);

// Names the calling thread for top, gdb and perf; at most 15 bytes are kept.
void csystem_name_thread(const char *name);

// Milliseconds since some fixed moment, as fresh as the kernel's last tick (1 to 10 ms), without a system call.
int64_t csystem_monotonic_milliseconds(void);

// Nanoseconds since the same moment, exactly.
int64_t csystem_monotonic_nanoseconds(void);

// Milliseconds since 1970 in UTC, from the cheap clock.
int64_t csystem_unix_milliseconds(void);

// The processor time that this process has taken, in nanoseconds.
int64_t csystem_process_nanoseconds(void);

// Seconds since 1970 in UTC, from the same cheap clock.
int64_t csystem_unix_seconds(void);

// Raises the soft limit on open descriptors to `wanted`, or to the hard limit where that is lower; never lowers it.
// Returns the limit that holds then.
uint64_t csystem_raise_descriptor_limit(uint64_t wanted);

// Tells the processor that this thread is in a loop that waits for another one.
static inline void csystem_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Gives the pages of freed memory back to the system; malloc keeps them otherwise.
void csystem_return_free_memory(void);
#endif
