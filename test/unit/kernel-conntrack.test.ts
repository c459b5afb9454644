import test from 'ava';
import { formatFlow, readFlowEvent } from '../../src/kernel/conntrack.ts';
import type { RawMessage } from '../../src/netlink/message.ts';
import { parseAddress, toBytes } from '../../src/values/address.ts';
import { attribute } from '../support/netlink.ts';

function port(number: number): Buffer {
  return Buffer.of(number >> 8, number & 0xff);
}

interface Ends {
  readonly from: string;
  readonly to: string;
  readonly ports?: readonly [number, number];
}

/** CTA_TUPLE_*: CTA_TUPLE_IP 1 with CTA_IP_V4_* 1 and 2 or CTA_IP_V6_* 3 and 4; CTA_TUPLE_PROTO 2. */
function tuple(number: number, protocol: number, { from, to, ports }: Ends): Buffer {
  const [source, destination] = [parseAddress(from), parseAddress(to)];
  const first = source.family === 4 ? 1 : 3;
  const ip = [attribute(first, toBytes(source)), attribute(first + 1, toBytes(destination))];
  const proto = [
    attribute(1, Buffer.of(protocol)),
    ...(ports === undefined ? [] : [attribute(2, port(ports[0])), attribute(3, port(ports[1]))]),
  ];
  return attribute(number, Buffer.concat([attribute(1, Buffer.concat(ip)), attribute(2, Buffer.concat(proto))]));
}

function event(options: { type?: number; flags?: number; protocol?: number; there?: Ends; back?: Ends }): RawMessage {
  const { type = 0x100, flags = 0x400, protocol = 6, there, back } = options;
  const parts = [
    Buffer.of(2, 0, 0, 0), // struct nfgenmsg
    ...(there === undefined ? [] : [tuple(1, protocol, there)]), // CTA_TUPLE_ORIG
    ...(back === undefined ? [] : [tuple(2, protocol, back)]), // CTA_TUPLE_REPLY
    attribute(3, Buffer.of(0, 0, 1, 0x8e)), // CTA_STATUS
    attribute(99, Buffer.from('unknown')),
  ];
  return { type, flags, sequence: 0, payload: Buffer.concat(parts) };
}

function format(options: Parameters<typeof event>[0]): string {
  const flow = readFlowEvent(event(options));
  return flow === undefined ? 'nothing' : `${flow.change} ${formatFlow(flow)}`;
}

const there: Ends = { from: '203.0.113.2', to: '203.0.113.1', ports: [40000, 8080] };
const back: Ends = { from: '203.0.113.1', to: '203.0.113.2', ports: [8080, 40000] };

test('formats an untranslated flow by its two ends', (t) => {
  t.is(format({ there, back }), 'new tcp 203.0.113.2:40000 > 203.0.113.1:8080');
});

test('formats a flow to a published port with the container that answers', (t) => {
  const container = { ...back, from: '172.17.0.2', ports: [80, 40000] as const };
  t.is(format({ there, back: container }), 'new tcp 203.0.113.2:40000 > 203.0.113.1:8080, answered by 172.17.0.2:80');
});

test('formats a masqueraded flow with its translated source', (t) => {
  const out: Ends = { from: '172.17.0.2', to: '203.0.113.2', ports: [40000, 53] };
  const seen: Ends = { from: '203.0.113.2', to: '203.0.113.1', ports: [53, 40001] };
  t.is(
    format({ protocol: 17, there: out, back: seen }),
    'new udp 172.17.0.2:40000 > 203.0.113.2:53, seen there as 203.0.113.1:40001',
  );
});

test('formats a ping without ports, and an IPv6 flow with brackets', (t) => {
  t.is(
    format({ protocol: 1, there: { from: '10.0.0.1', to: '10.0.0.2' }, back: { from: '10.0.0.2', to: '10.0.0.1' } }),
    'new icmp 10.0.0.1 > 10.0.0.2',
  );
  const six = {
    there: { from: 'fd00::1', to: 'fd00::2', ports: [1, 2] },
    back: { from: 'fd00::2', to: 'fd00::1', ports: [2, 1] },
  } as const;
  t.is(format(six), 'new tcp [fd00::1]:1 > [fd00::2]:2');
});

test('formats an unknown protocol as its number', (t) => {
  t.true(format({ protocol: 33, there, back }).startsWith('new 33 '));
});

test('distinguishes new, changed and ended flows by message type and flags', (t) => {
  const change = (type: number, flags: number) => readFlowEvent(event({ type, flags, there, back }))?.change;
  t.deepEqual([change(0x100, 0x600), change(0x100, 0), change(0x102, 0)], ['new', 'update', 'end']);
});

test('ignores messages of other subsystems and flows with one direction', (t) => {
  t.is(format({ type: 0x0a0c, there, back }), 'nothing');
  t.is(format({ type: 0x10, there, back }), 'nothing');
  t.is(format({ there }), 'nothing');
  t.is(format({}), 'nothing');
});
