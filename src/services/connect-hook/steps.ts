/**
 * What the programs of the connect hook are put together from, in the order in which they ask.
 *
 * r6 is what is seen of the call, r7 the socket, r8 where the port leads, w9 the last word of the address that was asked.
 */

import { type Field, layout, socket, socketAddress } from '../../kernel/bpf/layout.ts';
import {
  add,
  and,
  call,
  constant,
  exit,
  goto,
  gotoIf,
  label,
  load,
  mapAddress,
  or,
  type Program,
  type Register64,
  remark,
  set,
  stackAddress,
  store,
} from '../../kernel/bpf/program.ts';
import type { BitField } from '../../kernel/bpf/type-information.ts';
import type { Family } from '../../values/address.ts';
import { type Protocol, protocolNumbers } from '../../values/port.ts';
import { flow, port, portRows, target } from './maps.ts';

/** In memory as on the wire. */
const mapped = 0xffff0000;
const loopback4 = 0x0100007f;
const loopback6 = 0x01000000;
const firstByte = 0xff;
/** BPF_SK_STORAGE_GET_F_CREATE */
const orBegin = 1;

const key = layout('port', portRows, -port.bytes);
const [first, second, third, last] = key.address as readonly [Field, Field, Field, Field];

/** What the programs know of this machine. */
export interface HostFacts {
  /** The network namespace whose processes are led, by the number that no other one ever has. */
  readonly namespaceCookie: bigint;
  /** `skc_ipv6only` of struct sock_common, where the kernel says where it is. */
  readonly ipv6OnlyBit: BitField | undefined;
}

/** The last words of an address, as many as the other has. */
export function words(address: readonly Field[], other: readonly Field[]): readonly (readonly [Field, Field])[] {
  const same = address.slice(address.length - other.length);
  return other.flatMap((field, index) => {
    const found = same[index];
    return found === undefined ? [] : [[found, field] as const];
  });
}

export function copy(from: Register64, what: Field, to: Register64, where: Field): Program {
  return [load('w1', from, what), store(to, where, 'w1')];
}

export const skip: Program = [label('leave'), set('r0', 1), exit];

const isLoopback4: Program = [
  gotoIf('w9', '!=', 0, 'named'),
  set('w9', loopback4),
  label('named'),
  set('w2', 'w9'),
  and('w2', firstByte),
  gotoIf('w2', '!=', 127, 'leave'),
];

/** The last word of what is asked stays in w9. */
export const loadRequested4: Program = [
  remark('does it ask this machine, by 127.0.0.0/8 or 0.0.0.0?'),
  load('w9', 'r6', socketAddress.user_ip4),
  ...isLoopback4,
  store('r10', first, 0),
  store('r10', second, 0),
  store('r10', third, mapped),
];

const [six0, six1, six2, six3] = socketAddress.user_ip6 as readonly [Field, Field, Field, Field];
export const loadRequested6: Program = [
  remark('does it ask this machine, by ::1, ::, or an address of IPv4?'),
  load('w1', 'r6', six0),
  load('w2', 'r6', six1),
  or('w1', 'w2'),
  gotoIf('w1', '!=', 0, 'leave'),
  load('w1', 'r6', six2),
  load('w9', 'r6', six3),
  gotoIf('w1', '==', mapped, 'ipv4'),
  gotoIf('w1', '!=', 0, 'leave'),
  gotoIf('w9', '==', loopback6, 'asked'),
  gotoIf('w9', '!=', 0, 'leave'),
  set('w9', loopback6),
  goto('asked'),
  label('ipv4'),
  ...isLoopback4,
  label('asked'),
  store('r10', first, 0),
  store('r10', second, 0),
  store('r10', third, 'w1'),
];

export function hasProtocol(protocol: Protocol): Program {
  const number = protocolNumbers[protocol];
  return [
    remark(`by ${protocol.toUpperCase()}?`),
    load('w1', 'r6', socketAddress.protocol),
    gotoIf('w1', '!=', number, 'leave'),
    store('r10', key.protocol, number),
  ];
}

export function isInNamespace({ namespaceCookie }: HostFacts): Program {
  return [
    remark('is it in the network namespace in which ports are published?'),
    set('r1', 'r6'),
    call('get_netns_cookie'),
    constant('r1', namespaceCookie),
    gotoIf('r0', '!=', 'r1', 'leave'),
  ];
}

/** A datagram may say its source by itself: that is in the message, and what the socket is bound to is there, too. */
export function isUnbound(protocol: Protocol, family: Family): Program {
  const [base, fields]: [Register64, readonly Field[]] =
    protocol === 'udp'
      ? ['r6', family === 4 ? [socketAddress.msg_src_ip4] : socketAddress.msg_src_ip6]
      : ['r7', family === 4 ? [socket.src_ip4] : socket.src_ip6];
  return [
    remark('and has no link, no mark and no address of its own?'),
    load('r7', 'r6', socketAddress.sk),
    load('w1', 'r7', socket.bound_dev_if),
    load('w2', 'r7', socket.mark),
    or('w1', 'w2'),
    ...fields.flatMap((field) => [load('w2', base, field), or('w1', 'w2')]),
    gotoIf('w1', '!=', 0, 'leave'),
  ];
}

/** Of a struct of the kernel's own: the kernel looks up what is read of it, and its lines are no part of any interface. */
export function isDualStack({ ipv6OnlyBit: onlyIpv6 }: HostFacts): Program {
  if (onlyIpv6 === undefined) return [];
  const byte = { name: 'sock_common.skc_ipv6only', offset: onlyIpv6.bit >> 3, width: 1 } as const;
  return [
    remark('and speaks IPv4, too?'),
    set('r1', 'r7'),
    call('skc_to_tcp6_sock'),
    gotoIf('r0', '==', 0, 'leave'),
    load('w1', 'r0', byte),
    and('w1', 1 << (onlyIpv6.bit & 7)),
    gotoIf('w1', '!=', 0, 'leave'),
  ];
}

const lookUp: Program = [mapAddress('r1', 'ports'), ...stackAddress('r2', first), call('map_lookup_elem')];

/** Where it leads stays in r8. */
export const findPort: Program = [
  remark('is that port published at the address, or else at all of its family?'),
  ...copy('r6', socketAddress.user_port, 'r10', key.port),
  store('r10', last, 'w9'),
  ...lookUp,
  gotoIf('r0', '!=', 0, 'published'),
  store('r10', last, 0),
  ...lookUp,
  gotoIf('r0', '==', 0, 'leave'),
  label('published'),
  set('r8', 'r0'),
];

export function remember(protocol: Protocol): Program {
  return [
    remark('the socket remembers whom it asked, and to whom it is led'),
    mapAddress('r1', 'flows'),
    set('r2', 'r7'),
    set('r3', 0),
    set('r4', orBegin),
    call('sk_storage_get'),
    gotoIf('r0', '==', 0, 'leave'),
    ...(protocol === 'udp' ? isAskedAgain : []),
    ...words(flow.asked, key.address)
      .slice(0, 3)
      .flatMap(([to, from]) => copy('r10', from, 'r0', to)),
    store('r0', lastAsked, 'w9'),
    ...copy('r10', key.port, 'r0', flow.asked_port),
    ...words(flow.target, target.address).flatMap(([to, from]) => copy('r8', from, 'r0', to)),
    ...copy('r8', target.port, 'r0', flow.target_port),
    remark('and is counted, once'),
    load('w1', 'r8', target.number),
    load('w2', 'r0', flow.number),
    gotoIf('w1', '==', 'w2', 'counted'),
    store('r0', flow.number, 'w1'),
    set('r1', 1),
    add('r8', target.led, 'r1'),
    label('counted'),
  ];
}

const [, , thirdAsked, lastAsked] = flow.asked as readonly [Field, Field, Field, Field];
const isAskedAgain: Program = [
  load('w1', 'r0', flow.asked_port),
  gotoIf('w1', '==', 0, 'fresh'),
  remark('unless it has asked another one before'),
  load('w2', 'r10', key.port),
  gotoIf('w1', '!=', 'w2', 'leave'),
  load('w1', 'r0', thirdAsked),
  load('w2', 'r10', third),
  gotoIf('w1', '!=', 'w2', 'leave'),
  load('w1', 'r0', lastAsked),
  gotoIf('w1', '!=', 'w9', 'leave'),
  label('fresh'),
];

export function rewriteAddress(family: Family): Program {
  const where = family === 4 ? [socketAddress.user_ip4] : socketAddress.user_ip6;
  return [
    remark('and is led there'),
    ...words(target.address, where).flatMap(([from, to]) => copy('r8', from, 'r6', to)),
    ...copy('r8', target.port, 'r6', socketAddress.user_port),
  ];
}
