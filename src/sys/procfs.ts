/**
 * A procfs of this process's own, attached nowhere.
 *
 * The kernel keeps the names below /proc/sys/net of all network namespaces in one list for each instance of procfs, and
 * walks along it at every look-up: 30 µs with a few namespaces, 300 µs with a thousand. A new instance begins with an
 * empty list, and costs 100 µs.
 *
 * @see fsopen(2), fsconfig(2), fsmount(2), FS*_CLOEXEC and FSCONFIG_* in linux/mount.h
 */
import { closeSync } from 'node:fs';
import { call } from './libc.ts';

const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;

/**
 * Opens one. It lives as long as the descriptor, and is reached as `/proc/self/fd/FD`.
 *
 * @throws KernelError ENOSYS before Linux 5.2, EPERM
 */
export function openProcfs(): number {
  const context = call('fsopen proc', 'int fsopen(const char *type, unsigned int flags)', 'proc', FSOPEN_CLOEXEC);
  try {
    const prototype = 'int fsconfig(int fd, unsigned int command, const char *key, const void *value, int aux)';
    call('fsconfig proc', prototype, context, FSCONFIG_CMD_CREATE, null, null, 0);
    return call(
      'fsmount proc',
      'int fsmount(int fd, unsigned int flags, unsigned int attributes)',
      context,
      FSMOUNT_CLOEXEC,
      0,
    );
  } finally {
    closeSync(context);
  }
}
