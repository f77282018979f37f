/*
 * The sandbox: takes from the process that shows sessions, which reads what attackers wrote, everything that showing
 * does not need. It can read files, and go on using the descriptors that it has. It cannot open network connections,
 * write, make, change or remove files, run programs, or touch other processes. What is refused fails with EPERM or
 * EACCES; nothing is killed, as libraries try this and that (fontconfig its cache).
 *
 * Two fences of the kernel stand behind each other: seccomp(2) refuses the system calls, Landlock (landlock(7)) the
 * rights.
 */
#ifndef MITM_VIEW_SANDBOX_H
#define MITM_VIEW_SANDBOX_H

#include <stdbool.h>

/* What the kernel enforces now. */
struct sandbox {
    bool seccomp, landlock;
};

/*
 * Confine this process for the rest of its life. To be called before it has threads (Landlock holds for the calling one
 * and its children), and with its listening sockets open. Where the kernel has only one of the two fences, that one
 * stands; where it has neither, one line on standard error says so, and the caller goes on.
 */
struct sandbox sandbox_enter(void);

/* Raise one fence only, and return whether the kernel has it; the process must not gain privileges any more
 * (PR_SET_NO_NEW_PRIVS). sandbox_enter() raises both; by themselves they are for tests. */
bool sandbox_enter_landlock(void) __attribute__((warn_unused_result));
bool sandbox_enter_seccomp(void) __attribute__((warn_unused_result));

#endif
