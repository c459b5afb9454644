/**
 * What root may do inside a container.
 *
 * Root's power is split into 41 capabilities. A container's root gets fourteen of them, docker's choice: enough to
 * install packages, change owners and listen on port 80; not enough to mount, load modules or change the network.
 * `--cap-add` and `--cap-drop` edit the set. A capability that this process lacks itself can't be passed on, so `ALL`
 * means all that we have; asking for a missing one by name is an error.
 *
 * @see capabilities(7), CAP_* in linux/capability.h
 */
import { GangwayError } from '../../values/errors.ts';

/** In kernel order: the index is the bit. */
const capabilityNames = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
] as const;

/** Docker's fourteen. */
const defaults: readonly string[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SYS_CHROOT',
  'MKNOD',
  'AUDIT_WRITE',
  'SETFCAP',
];

/** `cap_net_raw` → `NET_RAW`. @throws GangwayError invalid-option */
export function parseCapability(text: string, option: string): string {
  const name = text.toUpperCase().replace(/^CAP_/, '');
  if (name !== 'ALL' && !(capabilityNames as readonly string[]).includes(name)) {
    throw new GangwayError('invalid-option', `${option} "${text}" is not a capability`, {
      hint: 'capabilities(7) lists them: NET_ADMIN, SYS_TIME, … or ALL',
    });
  }
  return name;
}

/**
 * The capabilities of a container, with `CAP_`, in kernel order.
 *
 * `--cap-add ALL --cap-drop X` is all but X; `--cap-drop ALL --cap-add X` is X alone; of a name in both lists the
 * addition wins, as docker has it.
 *
 * @param ours the bounding set of this process, as bits
 * @throws GangwayError invalid-option for a name that is no capability: one that is misspelt would stay where it was to be
 *   dropped; not-supported if one asked for by name is not in `ours`
 */
export function chooseCapabilities(
  request: { readonly add: readonly string[]; readonly drop: readonly string[] },
  ours: bigint,
): string[] {
  const add = request.add.map((name) => parseCapability(name, '--cap-add'));
  const drop = request.drop.map((name) => parseCapability(name, '--cap-drop'));
  const base = add.includes('ALL') ? capabilityNames : drop.includes('ALL') ? [] : defaults;
  const wanted = new Set<string>(base);
  for (const name of drop) wanted.delete(name);
  for (const name of add.includes('ALL') ? [] : add) {
    if (!has(ours, name)) throw new GangwayError('not-supported', `capability ${name} is not ours to give`);
    wanted.add(name);
  }
  return capabilityNames.filter((name) => wanted.has(name) && has(ours, name)).map((name) => `CAP_${name}`);
}

/** The bounding set out of `/proc/self/status`. */
export function readBoundingSet(status: string): bigint {
  return BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
}

function has(set: bigint, name: string): boolean {
  const bit = (capabilityNames as readonly string[]).indexOf(name);
  return ((set >> BigInt(bit)) & 1n) === 1n;
}
