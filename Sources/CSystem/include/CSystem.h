// The Linux calls that Swift's Glibc module leaves out.
#ifndef CSYSTEM_H
#define CSYSTEM_H
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif
