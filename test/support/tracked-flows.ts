/**
 * Flows that connection tracking keeps although no packet of them was ever sent, and a list of them that is not ours.
 *
 * @see CTA_* in linux/netfilter/nfnetlink_conntrack.h
 */
import { readFileSync } from 'node:fs';
import { attributes, struct } from '../../src/netlink/attributes.ts';
import { address, u8, u16be, u32be } from '../../src/netlink/codec.ts';
import type { Connection } from '../../src/netlink/connection.ts';
import { request } from '../../src/netlink/message.ts';
import { parseAddress } from '../../src/values/address.ts';
import { type Protocol, protocolNumbers } from '../../src/values/port.ts';

const NLM_F_CREATE = 0x400;
const tuple = attributes({
  ip: [
    1,
    attributes({
      source4: [1, address],
      destination4: [2, address],
      source6: [3, address],
      destination6: [4, address],
    }),
  ],
  protocol: [2, attributes({ number: [1, u8], sourcePort: [2, u16be], destinationPort: [3, u16be] })],
});
/** CTA_NAT_*: the first and the last address and port to choose from. */
const nat = attributes({
  first: [1, address],
  last: [2, address],
  port: [3, attributes({ first: [1, u16be], last: [2, u16be] })],
});
const message = (name: string, type: number) => ({
  name,
  type,
  header: struct({ family: [1, u8], version: [1, u8], resource: [2, u16be] }),
  attributes: attributes({
    original: [1, tuple],
    reply: [2, tuple],
    timeout: [7, u32be],
    nat: [13, nat],
    zone: [18, u16be],
  }),
});
const IPCTNL_MSG_CT_NEW = message('IPCTNL_MSG_CT_NEW', 0x100);
const IPCTNL_MSG_CT_DELETE = message('IPCTNL_MSG_CT_DELETE', 0x102);

export interface TrackedFlow {
  readonly protocol: Protocol;
  readonly from: readonly [address: string, port: number];
  readonly to: readonly [address: string, port: number];
  /** Where the firewall redirects the flow (DNAT). IPv4 only. */
  readonly target?: readonly [address: string, port: number];
  readonly zone?: number;
}

/** `conntrack -I -p PROTOCOL -s ADDRESS -d ADDRESS --sport PORT --dport PORT -t 3600`, for each of them. */
export function addFlows(connection: Connection, flows: readonly TrackedFlow[]): void {
  const failures = connection.executeEach(
    flows.map(({ protocol, from, to, target, zone }) => {
      const family = parseAddress(from[0]).family === 4 ? 2 : 10;
      return request(
        'add flow',
        IPCTNL_MSG_CT_NEW,
        NLM_F_CREATE,
        { family },
        {
          original: tupleOf(protocol, from, to),
          reply: tupleOf(protocol, to, from),
          timeout: 3600,
          ...(target === undefined ? {} : { nat: natOf(target) }),
          ...(zone === undefined ? {} : { zone }),
        },
      );
    }),
  );
  const failure = failures.find((error) => error !== undefined);
  if (failure !== undefined) throw failure;
}

/** `conntrack -F`: deletes all flows of the network namespace. */
export function flushFlows(connection: Connection): void {
  connection.execute([request('flush flows', IPCTNL_MSG_CT_DELETE, 0, {}, {})]);
}

function tupleOf(protocol: Protocol, from: TrackedFlow['from'], to: TrackedFlow['to']) {
  const [source, destination] = [parseAddress(from[0]), parseAddress(to[0])];
  return {
    ip:
      source.family === 4
        ? { source4: source, destination4: destination }
        : { source6: source, destination6: destination },
    protocol: { number: protocolNumbers[protocol], sourcePort: from[1], destinationPort: to[1] },
  };
}

function natOf([host, port]: readonly [string, number]) {
  const target = parseAddress(host);
  return { first: target, last: target, port: { first: port, last: port } };
}

/** The source ports of all tracked flows, which name the flows of a test, in ascending order. */
export function trackedPorts(): readonly number[] {
  const lines = readFileSync('/proc/net/nf_conntrack', 'utf8').split('\n');
  const ports = lines.flatMap((line) => /sport=(\d+)/.exec(line)?.[1] ?? []);
  return ports.map(Number).toSorted((one, other) => one - other);
}

/** How many flows the kernel tracks in this network namespace. */
export function countFlows(): number {
  return Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_count', 'utf8'));
}
