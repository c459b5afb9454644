/**
 * Which system calls a container may make.
 *
 * Linux has some 350 of them and every one is a door into the kernel that all containers share. The filter is a list of
 * those that ordinary programs use; all others answer EPERM, as if a privilege were missing. What a capability governs is
 * allowed with that capability and not without it: a second lock beside the kernel's own, which has saved containers from
 * bugs behind the first (CVE-2022-0185: fsconfig inside a user namespace).
 *
 * Some calls need a look at their arguments. `clone` makes threads and processes and is needed by all, but with a
 * CLONE_NEW flag it makes a namespace. `clone3` takes its flags behind a pointer, where a filter can't look; it answers
 * ENOSYS, upon which the C library falls back to `clone`. `socket` is free except for AF_ALG and AF_VSOCK, which lead to
 * the kernel's ciphers (CVE-2026-31431: from there into every file that can be read) and to the hypervisor.
 *
 * A 32-bit program of x86 can make a socket by `socketcall`, too, with the family behind a pointer. That one answers ENOSYS.
 * The price: glibc for i386 and Go know no other way, although the kernel has `socket` for them since 4.3, so that their
 * programs have no network here (`--isolation=network` has no filter). Docker has taken the same back for that, and leaves AF_ALG to
 * AppArmor or SELinux, where there is one (moby#52547).
 *
 * The selection follows docker's documented default profile, arranged by subject; names for other processors that this one
 * lacks are ignored by libseccomp.
 *
 * @see https://docs.docker.com/engine/security/seccomp/, syscalls(2), seccomp(2), linux/sched.h, bits/socket.h
 */

/** Allowed to everyone. One line is one subject; 32-bit and 64-bit spellings stand together. */
const common = `
  read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek _llseek close close_range
  open openat openat2 creat name_to_handle_at dup dup2 dup3 fcntl fcntl64 flock ioctl
  stat stat64 fstat fstat64 lstat lstat64 newfstatat fstatat64 statx statfs statfs64 fstatfs fstatfs64 statmount listmount
  access faccessat faccessat2 chmod fchmod fchmodat fchmodat2 umask
  chown chown32 fchown fchown32 lchown lchown32 fchownat
  link linkat unlink unlinkat symlink symlinkat readlink readlinkat rename renameat renameat2 mkdir mkdirat rmdir
  mknod mknodat chdir fchdir getcwd getdents getdents64
  truncate truncate64 ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 arm_fadvise64_64 readahead
  sync syncfs fsync fdatasync sync_file_range sync_file_range2 arm_sync_file_range msync
  utime utimes futimesat utimensat utimensat_time64
  getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr llistxattr flistxattr
  listxattrat removexattr lremovexattr fremovexattr removexattrat
  sendfile sendfile64 splice tee vmsplice copy_file_range pipe pipe2
  inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark
  select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64
  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2
  io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set
  socketpair bind connect listen accept accept4 shutdown getsockname getpeername getsockopt setsockopt
  send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64
  brk mmap mmap2 munmap mremap mprotect madvise mincore mlock mlock2 mlockall munlock munlockall mseal remap_file_pages
  memfd_create memfd_secret membarrier cachestat pkey_alloc pkey_free pkey_mprotect map_shadow_stack
  execve execveat fork vfork exit exit_group wait4 waitid waitpid
  ptrace process_vm_readv process_vm_writev process_mrelease pidfd_open pidfd_send_signal
  kill tkill tgkill pause alarm signalfd signalfd4 sigaltstack sigprocmask sigreturn restart_syscall
  rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn rt_sigsuspend
  rt_sigtimedwait rt_sigtimedwait_time64
  futex futex_time64 futex_wait futex_waitv futex_wake futex_requeue get_robust_list set_robust_list rseq
  set_tid_address get_thread_area set_thread_area set_tls gettid getcpu arch_prctl modify_ldt breakpoint cacheflush
  riscv_flush_icache riscv_hwprobe uretprobe prctl
  getpid getppid getpgid setpgid getpgrp getsid setsid
  getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getgroups getgroups32 setgroups setgroups32
  setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setfsuid setfsuid32 setfsgid setfsgid32
  getresuid getresuid32 setresuid setresuid32 getresgid getresgid32 setresgid setresgid32 capget capset
  getpriority setpriority getrlimit ugetrlimit setrlimit prlimit64 getrusage
  sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam
  sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min
  sched_rr_get_interval sched_rr_get_interval_time64
  time times gettimeofday nanosleep clock_nanosleep clock_nanosleep_time64 getitimer setitimer
  clock_gettime clock_gettime64 clock_getres clock_getres_time64 adjtimex clock_adjtime clock_adjtime64
  timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
  timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64
  ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget
  mq_open mq_unlink mq_notify mq_getsetattr
  mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
  seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
  uname sysinfo getrandom
`;

/** Allowed with the capability. */
const governed: Readonly<Record<string, string>> = {
  CAP_BPF: 'bpf',
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_PERFMON: 'perf_event_open',
  CAP_SYS_ADMIN: `
    clone clone3 unshare setns sethostname setdomainname mount umount umount2 mount_setattr move_mount open_tree
    fsopen fsconfig fsmount fspick fanotify_init quotactl quotactl_fd bpf perf_event_open syslog lookup_dcookie
    lsm_get_self_attr lsm_set_self_attr lsm_list_modules`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'init_module finit_module delete_module',
  CAP_SYS_NICE: 'get_mempolicy set_mempolicy set_mempolicy_home_node mbind',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday stime clock_settime clock_settime64',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYSLOG: 'syslog',
};

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. NEWTIME can't be given to clone. */
const namespaceFlags = 0x7e02_0000;
const eperm = 1;
const enosys = 38;

/**
 * The address families below AF_ALG (38) in one comparison, the allowed ones above it one by one.
 *
 * Not "greater than 40": the filter compares 64 bits and the kernel uses 32 of them, so that 40 with a bit set in the upper
 * half would pass as a large number and arrive as AF_VSOCK. Equality and "less than" have no such hole.
 */
const families = [39, 41, 42, 43, 44, 45];
const alg = 38;

/** Execution domains of personality(2): Linux, Linux32, each without and with UNAME26, and the question which it is. */
const personalities = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/** The architectures that a processor runs, by Node's name for it. */
const architectures: Readonly<Record<string, readonly string[]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  riscv64: ['SCMP_ARCH_RISCV64'],
  loong64: ['SCMP_ARCH_LOONGARCH64'],
};

interface Rule {
  readonly names: readonly string[];
  readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  readonly errnoRet?: number;
  readonly args?: readonly {
    readonly index: number;
    readonly value: number;
    readonly valueTwo?: number;
    readonly op: 'SCMP_CMP_LT' | 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ';
  }[];
}

export interface SeccompProfile {
  readonly defaultAction: 'SCMP_ACT_ERRNO';
  readonly defaultErrnoRet: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly Rule[];
}

/**
 * The `linux.seccomp` of config.json.
 *
 * @param capabilities with `CAP_`
 * @param processor `process.arch`
 */
export function seccompProfile(capabilities: readonly string[], processor: string): SeccompProfile {
  const names = words(common);
  for (const capability of capabilities) names.push(...words(governed[capability] ?? ''));
  const syscalls: Rule[] = [
    // Before all that it stands for: libseccomp would let it pass with `socket`, whatever family that one may have.
    absent('socketcall'),
    { names: [...new Set(names)], action: 'SCMP_ACT_ALLOW' },
    allow('socket', { index: 0, value: alg, op: 'SCMP_CMP_LT' }),
    ...families.map((value) => allow('socket', { index: 0, value, op: 'SCMP_CMP_EQ' as const })),
    ...personalities.map((value) => allow('personality', { index: 0, value, op: 'SCMP_CMP_EQ' as const })),
  ];
  if (!capabilities.includes('CAP_SYS_ADMIN')) {
    const args = { index: 0, value: namespaceFlags, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' } as const;
    syscalls.push(allow('clone', args), absent('clone3'));
  }
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: eperm,
    architectures: architectures[processor] ?? [],
    syscalls,
  };
}

/** As on a kernel that doesn't have it. */
function absent(name: string): Rule {
  return { names: [name], action: 'SCMP_ACT_ERRNO', errnoRet: enosys };
}

function allow(name: string, argument: NonNullable<Rule['args']>[number]): Rule {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args: [argument] };
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
