/**
 * The TCP sockets of a network namespace, each with what a program of ours has stored at it, and how to end them.
 *
 *     ss -tn dst 172.17.0.2 dport = :80 --bpf-maps
 *     ss -K  dst 172.17.0.2 dport = :80
 *
 * @see linux/inet_diag.h, linux/sock_diag.h, ss(8)
 */
import { attributes, struct } from '../netlink/attributes.ts';
import { binary, u8, u32 } from '../netlink/codec.ts';
import type { Connection } from '../netlink/connection.ts';
import { flags, request } from '../netlink/message.ts';
import { type Family, families } from '../values/address.ts';
import { addressFamily } from './family.ts';

const IPPROTO_TCP = 6;
/** All but those that wait for their peer to forget them, TCP_TIME_WAIT, and those that listen: 1 << state. */
const connectedStates = 0xfff & ~(1 << 6) & ~(1 << 10);

/** struct inet_diag_sockid: who speaks to whom, by which link, and a number that no other socket ever has. */
const identity = [48, binary] as const;
const SOCK_DIAG_BY_FAMILY = {
  name: 'SOCK_DIAG_BY_FAMILY',
  type: 20,
  /** struct inet_diag_req_v2 */
  header: struct({
    family: [1, u8],
    protocol: [1, u8],
    extensions: [1, u8],
    padding: [1, u8],
    states: [4, u32],
    identity,
  }),
  /** INET_DIAG_REQ_SK_BPF_STORAGES, SK_DIAG_BPF_STORAGE_REQ_MAP_FD */
  attributes: attributes({ storages: [2, attributes({ map: [1, u32] })] }),
};
const SOCK_DESTROY = { ...SOCK_DIAG_BY_FAMILY, name: 'SOCK_DESTROY', type: 21 };
const found = {
  name: 'SOCK_DIAG_BY_FAMILY',
  type: 20,
  /** struct inet_diag_msg */
  header: struct({
    family: [1, u8],
    state: [1, u8],
    timer: [1, u8],
    retransmissions: [1, u8],
    identity,
    rest: [20, binary],
  }),
  /** INET_DIAG_SK_BPF_STORAGES, SK_DIAG_BPF_STORAGE, SK_DIAG_BPF_STORAGE_MAP_VALUE */
  attributes: attributes({ storages: [20, attributes({ storage: [1, attributes({ value: [3, binary] })] })] }),
};

/** A socket, as the kernel can be told of it again. */
export interface TcpSocket {
  readonly family: Family;
  readonly identity: Uint8Array;
  /** What is stored at it in the map that was asked for. */
  readonly stored: Buffer;
}

/** With whom it speaks: the port, and the address, of IPv4 in the first of its four words. */
export function remoteOf(identity: Uint8Array): { readonly port: Buffer; readonly address: Buffer } {
  const bytes = Buffer.from(identity);
  return { port: bytes.subarray(2, 4), address: bytes.subarray(20, 36) };
}

/**
 * Those that have something stored.
 *
 * @param map a map of socket storage
 * @throws KernelError
 */
export function socketsWith(connection: Connection, map: number): readonly TcpSocket[] {
  return families.flatMap((family) =>
    connection
      .dump(
        request(
          'list TCP sockets',
          SOCK_DIAG_BY_FAMILY,
          0,
          { family: addressFamily(family), protocol: IPPROTO_TCP, states: connectedStates },
          { storages: { map } },
        ),
        found,
      )
      .flatMap(({ header: { identity }, attributes: { storages } }) => {
        const stored = storages?.storage?.value;
        return identity === undefined || stored === undefined
          ? []
          : [{ family, identity, stored: Buffer.from(stored) }];
      }),
  );
}

/**
 * Breaks connections off: both ends hear of it at once. One that has ended by itself meanwhile is fine.
 *
 * @throws KernelError EOPNOTSUPP where the kernel was built without (CONFIG_INET_DIAG_DESTROY)
 */
export function endSockets(connection: Connection, sockets: readonly TcpSocket[]): void {
  const failures = connection.executeEach(
    sockets.map(({ family, identity }) =>
      request(
        'end TCP socket',
        SOCK_DESTROY,
        flags.ack,
        { family: addressFamily(family), protocol: IPPROTO_TCP, states: connectedStates, identity },
        {},
      ),
    ),
  );
  const failure = failures.find((error) => error !== undefined && error.errno !== 'ENOENT');
  if (failure !== undefined) throw failure;
}
