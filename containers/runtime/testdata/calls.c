/* Calls each system call that a container must not have, with arguments that
   do nothing, and prints its name and the error number. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(n) try(#n, SYS_##n, 0, 0)

static void try(const char *name, long nr, long a, long b) {
  errno = 0;
  syscall(nr, a, b, 0, 0, 0, 0);
  printf("%s %d\n", name, errno);
}

int main(void) {
  CALL(acct); CALL(add_key); CALL(bpf); CALL(clock_settime); CALL(create_module);
  CALL(delete_module); CALL(fanotify_init); CALL(finit_module); CALL(fsconfig); CALL(fsmount);
  CALL(fsopen); CALL(fspick); CALL(get_kernel_syms); CALL(get_mempolicy); CALL(init_module);
  CALL(io_uring_enter); CALL(io_uring_register); CALL(io_uring_setup); CALL(ioperm); CALL(iopl);
  CALL(kcmp); CALL(kexec_file_load); CALL(kexec_load); CALL(keyctl); CALL(lookup_dcookie);
  CALL(mbind); CALL(migrate_pages); CALL(mount); CALL(mount_setattr); CALL(move_mount);
  CALL(move_pages); CALL(nfsservctl); CALL(open_by_handle_at); CALL(open_tree);
  CALL(perf_event_open); CALL(pidfd_getfd); CALL(pivot_root); CALL(process_madvise);
  CALL(query_module); CALL(quotactl); CALL(reboot); CALL(request_key); CALL(set_mempolicy);
  CALL(setdomainname); CALL(sethostname); CALL(setns); CALL(settimeofday); CALL(swapoff);
  CALL(swapon); CALL(sysfs); CALL(syslog); CALL(umount2); CALL(unshare); CALL(uselib);
  CALL(userfaultfd); CALL(ustat); CALL(vhangup); CALL(vserver); CALL(_sysctl);
  try("socket-alg", SYS_socket, 38, SOCK_SEQPACKET);
  try("socket-vsock", SYS_socket, 40, SOCK_STREAM);
  try("personality", SYS_personality, 0x0040000, 0);
  try("clone-newuser", SYS_clone, CLONE_NEWUSER | SIGCHLD, 0);
  try("clone3", SYS_clone3, 0, 0);
  try("allowed-getppid", SYS_getppid, 0, 0);
  try("allowed-socket", SYS_socket, AF_INET, SOCK_STREAM);
  return 0;
}
