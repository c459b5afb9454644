/**
 * A machine that was looked at once: lo, and eth0 with 203.0.113.1/24 and a way out through 203.0.113.2. No table of ours
 * is loaded, and no link of ours is there.
 */
import type { KernelNamespace } from '../../../src/kernel/namespace.ts';
import type { RawMessage } from '../../../src/netlink/message.ts';
import { type Prefix, parseAddress, parsePrefix, toBytes } from '../../../src/values/address.ts';
import { attribute, bits, done, FakeKernel, int32, message, refused } from '../netlink.ts';

const [GETLINK, GETADDR, GETROUTE] = [18, 22, 26];
const dumps = 0x300;
const names = ['lo', 'eth0'];
const addresses: readonly (readonly [link: number, prefix: Prefix])[] = [
  [1, parsePrefix('127.0.0.1/8')],
  [2, parsePrefix('203.0.113.1/24')],
];
const routes: readonly (readonly [destination: Prefix, gateway?: string])[] = [
  [parsePrefix('0.0.0.0/0'), '203.0.113.2'],
  [parsePrefix('203.0.113.0/24')],
];

/** The namespace of that machine, for who only reads. */
export function recordedNamespace(): KernelNamespace {
  const connection = new FakeKernel((sent) => sent.flatMap(answer)).connect();
  return { path: '', fd: -1, route: connection, netfilter: connection } as unknown as KernelNamespace;
}

function answer(question: RawMessage): readonly Buffer[] {
  const { type, sequence, payload } = question;
  const list = (kind: number, payloads: readonly Buffer[]) => [
    ...payloads.map((one) => message(kind, bits.multi, sequence, one)),
    done(sequence),
  ];
  if ((question.flags & dumps) === dumps) {
    if (type === GETLINK) return list(16, names.map(link));
    if (type === GETADDR) return list(20, addresses.map(address));
    if (type === GETROUTE) return list(24, payload[0] === 2 ? routes.map(route) : []);
    return [done(sequence)];
  }
  const index = names.findIndex((name) => payload.includes(`${name}\0`));
  if (type === GETLINK && index >= 0) return [message(16, 0, sequence, link(names[index] ?? '', index))];
  return [refused(question, type === GETLINK ? 'ENODEV' : 'ENOENT')];
}

function link(name: string, index: number): Buffer {
  // struct ifinfomsg: the number, and IFF_UP. IFLA_IFNAME 3, IFLA_MTU 4.
  const header = Buffer.concat([int32(0), int32(index + 1), int32(1), int32(0)]);
  return Buffer.concat([header, attribute(3, Buffer.from(`${name}\0`)), attribute(4, int32(1500))]);
}

function address([index, prefix]: (typeof addresses)[number]): Buffer {
  // struct ifaddrmsg; IFA_LOCAL 2.
  const header = Buffer.concat([Buffer.from([2, prefix.length, 0, 0]), int32(index)]);
  return Buffer.concat([header, attribute(2, toBytes(prefix.address))]);
}

function route([destination, gateway]: (typeof routes)[number]): Buffer {
  // struct rtmsg: RT_TABLE_MAIN, RTN_UNICAST. RTA_DST 1, RTA_OIF 4, RTA_GATEWAY 5.
  const header = Buffer.from([2, destination.length, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0]);
  return Buffer.concat([
    header,
    ...(destination.length === 0 ? [] : [attribute(1, toBytes(destination.address))]),
    attribute(4, int32(2)),
    ...(gateway === undefined ? [] : [attribute(5, toBytes(parseAddress(gateway)))]),
  ]);
}
