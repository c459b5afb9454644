/**
 * `--sysctl KEY=VALUE`, and the same for one link: settings of the kernel that each container has for itself.
 *
 * A key is written with dots, or with slashes where a dot belongs to a name: net/ipv4/conf/eth0.10/forwarding. Below
 * /proc/sys it is a path, so every part of it is a plain word.
 *
 * @see sysctl(8), namespaces(7)
 */
import { GangwayError } from './errors.ts';
import { cut } from './literal.ts';

/** `net/ipv4/ip_forward`, as below /proc/sys, and what is written there. */
export interface Sysctl {
  readonly key: string;
  readonly value: string;
}

/** The settings that belong to a network or IPC namespace. All others are the machine's. */
const namespaced = /^(net\/|fs\/mqueue\/|kernel\/(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$)/;
const path = /^[a-zA-Z0-9_-]+(\/[a-zA-Z0-9_-][a-zA-Z0-9_.-]*)+$/;

/** @throws GangwayError invalid-option */
export function parseSysctl(text: string, option = '--sysctl'): Sysctl {
  const [written, value] = cut(text);
  const key = /^[^./]*\//.test(written) ? written : written.replaceAll('.', '/');
  if (!path.test(key) || !/^[^\0\r\n]+$/.test(value)) {
    throw invalid(`${option} ${JSON.stringify(text)} is not KEY=VALUE`, 'as in net.ipv4.ip_forward=1');
  }
  if (namespaced.test(key)) return { key, value };
  throw invalid(
    `${option} ${written} is a setting of the whole machine`,
    'a container has its own of net. and fs.mqueue.',
  );
}

/** What `parseSysctl` reads as this. */
export function formatSysctl({ key, value }: Sysctl): string {
  return `${sysctlName(key)}=${value}`;
}

/** `net.ipv4.ip_forward`; with slashes where a name has a dot. */
export function sysctlName(key: string): string {
  return key.includes('.') ? key : key.replaceAll('/', '.');
}

/** Does it belong to the network namespace? Else it belongs to the one of shared memory and queues. */
export function isOfNetwork({ key }: Sysctl): boolean {
  return key.startsWith('net/');
}

/** A stack in which nothing can have an IPv6 address. To the kernel, `01` says so too, and every other number but 0. */
export function closesIpv6(sysctls: readonly Sysctl[]): boolean {
  // They are written in order: the last one stays.
  const last = sysctls.findLast(({ key }) => key === 'net/ipv6/conf/all/disable_ipv6');
  return last !== undefined && Number(last.value) !== 0;
}

/**
 * Settings of one link: `net.ipv4.conf.IFNAME.forwarding=1,net.ipv6.conf.IFNAME.accept_ra=0`. IFNAME stands for the
 * link's name, which nobody knows yet.
 *
 * @throws GangwayError invalid-option
 */
export function parseLinkSysctls(text: string, option: string): readonly Sysctl[] {
  return text.split(',').map((one) => {
    const sysctl = parseSysctl(one, option);
    if (/^net\/(ipv4|ipv6|mpls)\/[a-z]+\/IFNAME\/[a-z0-9_]+$/.test(sysctl.key)) return sysctl;
    throw invalid(`${option} ${one} is no setting of a link`, 'as in net.ipv4.conf.IFNAME.forwarding=1');
  });
}

function invalid(message: string, hint: string): GangwayError {
  return new GangwayError('invalid-option', message, { hint });
}
