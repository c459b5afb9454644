/**
 * What of root's powers this process is without: root of a container, or of a service with a bounding set, has not all.
 *
 * @see capabilities(7); CapEff in /proc/self/status, proc_pid_status(5)
 */
import { readFileSync } from 'node:fs';

/** For links, addresses, rules; and for namespaces and mounts. Their numbers in linux/capability.h. */
const needed = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n } as const;

/** Those that every change needs and this process has not. */
export function withheldCapabilities(): readonly string[] {
  const status = readFileSync('/proc/self/status', 'latin1');
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return Object.entries(needed).flatMap(([name, bit]) => (((effective >> bit) & 1n) === 1n ? [] : [name]));
}
