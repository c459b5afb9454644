import test from 'ava';
import { addAddress, deleteAddress, hasBroadcast, listAddresses, readAddressEvent } from '../../src/kernel/address.ts';
import { listRoutes, type Route, readRouteEvents, setDefaultRoute } from '../../src/kernel/route.ts';
import type { RawMessage, Request } from '../../src/netlink/message.ts';
import type { KernelHandles } from '../../src/plan/kernel-handles.ts';
import { route } from '../../src/plan/kinds/ip.ts';
import type { RouteStep } from '../../src/plan/step.ts';
import { formatAddress, formatPrefix, parseAddress, parsePrefix } from '../../src/values/address.ts';
import { attribute, bits, done, FakeKernel, int32, message } from '../support/netlink.ts';

function sent(request: Request): readonly [type: number, flags: number, body: string] {
  const kernel = new FakeKernel();
  kernel.connect().execute([request]);
  const [only] = kernel.messages;
  return [only?.type ?? 0, only?.flags ?? 0, only?.payload.toString('hex') ?? ''];
}

function hex(...rows: readonly string[]): string {
  return rows.join('').replaceAll(' ', '');
}

/** NLM_F_REQUEST | NLM_F_ACK, and with NLM_F_EXCL | NLM_F_CREATE. */
const [plain, exclusive] = [0x5, 0x605];

test('an IPv4 address goes to its link with its broadcast address', (t) => {
  const body = hex(
    '02 10 00 00 02000000', // struct ifaddrmsg: AF_INET, prefix length 16, flags, scope, link 2
    '0800 0200 ac110002', // IFA_LOCAL 2
    '0800 0100 ac110002', // IFA_ADDRESS 1
    '0800 0400 ac11ffff', // IFA_BROADCAST 4
  );
  t.deepEqual(sent(addAddress(parsePrefix('172.17.0.2/16'), 2)), [20, exclusive, body]);
});

test('an IPv6 address is usable at once and has no broadcast', (t) => {
  const value = 'fd000000000000000000000000000002';
  const body = hex(
    '0a 40 00 00 02000000', // AF_INET6, 64
    '1400 0200',
    value,
    '1400 0100',
    value,
    '0800 0800 02000000', // IFA_FLAGS 8: IFA_F_NODAD
  );
  t.deepEqual(sent(addAddress(parsePrefix('fd00::2/64'), 2)), [20, exclusive, body]);
});

test('only a subnet with room for one has a broadcast address', (t) => {
  const all = ['10.0.0.1/24', '10.0.0.1/30', '10.0.0.1/31', '10.0.0.1/32', 'fd00::1/64'];
  t.deepEqual(
    all.filter((text) => hasBroadcast(parsePrefix(text))),
    ['10.0.0.1/24', '10.0.0.1/30'],
  );
  t.is(sent(addAddress(parsePrefix('10.0.0.1/32'), 2))[2].length, 2 * (8 + 8 + 8));
});

test('an address is deleted by link, length and itself', (t) => {
  const body = hex('02 10 00 00 02000000', '0800 0200 ac110002');
  t.deepEqual(sent(deleteAddress(parsePrefix('172.17.0.2/16'), 2)), [21, plain, body]);
});

test('a default route has no destination, and stands in the main table', (t) => {
  const body = hex(
    '02 00 00 00 fe 03 00 01 00000000', // struct rtmsg: AF_INET, lengths, tos, RT_TABLE_MAIN, RTPROT_BOOT, universe, RTN_UNICAST
    '0800 0400 02000000', // RTA_OIF 4
    '0800 0500 ac110001', // RTA_GATEWAY 5
  );
  t.deepEqual(sent(setDefaultRoute('add', { family: 4, linkIndex: 2, gateway: parseAddress('172.17.0.1') })), [
    24,
    exclusive,
    body,
  ]);
  const [, , six] = sent(setDefaultRoute('add', { family: 6, linkIndex: 2, gateway: parseAddress('fd00::1') }));
  t.true(six.startsWith(hex('0a 00 00 00 fe 03 00 01 00000000', '0800 0400 02000000', '1400 0500')));
});

test('one without a gateway is a neighbour’s; one that replaces another says so', (t) => {
  const replacing = 0x1 | 0x4 | 0x100 | 0x400; // NLM_F_REQUEST, ACK, REPLACE, CREATE
  t.deepEqual(sent(setDefaultRoute('replace', { family: 4, linkIndex: 3 })), [
    24,
    replacing,
    hex('02 00 00 00 fe 03 fd 01 00000000', '0800 0400 03000000'), // RT_SCOPE_LINK
  ]);
});

/** A kernel with this table. */
function dumping(type: number, ...rows: readonly Buffer[]): FakeKernel {
  return new FakeKernel(([{ sequence } = { sequence: 0 }]) => [
    ...rows.map((row) => message(type, bits.multi, sequence, row)),
    done(sequence),
  ]);
}

function addressRow(length: number, index: number, ...attributes: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.of(2, length, 0x80, 0), int32(index), ...attributes]);
}

const own = attribute(2, Buffer.of(10, 0, 0, 1));
const remote = attribute(1, Buffer.of(10, 0, 0, 2));

test('addresses are listed with their links; of a tunnel’s two ends ours is the one', (t) => {
  const kernel = dumping(20, addressRow(24, 2, remote, own), addressRow(32, 3, remote), addressRow(8, 4));
  t.deepEqual(
    listAddresses(kernel.connect()).map(({ linkIndex, prefix }) => [linkIndex, formatPrefix(prefix)]),
    [
      [2, '10.0.0.1/24'],
      [3, '10.0.0.2/32'],
    ],
  );
  t.is(kernel.messages[0]?.type, 22);
});

test('an event tells of an address that a link has or had', (t) => {
  const event = (type: number, payload: Buffer): RawMessage => ({ type, flags: 0, sequence: 0, payload });
  const set = readAddressEvent(event(20, addressRow(24, 2, own)));
  t.is(set?.change, 'set');
  t.is(set === undefined ? '' : formatPrefix(set.address.prefix), '10.0.0.1/24');
  t.is(readAddressEvent(event(21, addressRow(24, 2, own)))?.change, 'gone');
  t.is(readAddressEvent(event(20, addressRow(24, 2))), undefined);
  t.is(readAddressEvent(event(16, addressRow(24, 2, own))), undefined);
});

function routeRow(options: { table?: number; type?: number; length?: number }, ...rest: readonly Buffer[]): Buffer {
  const { table = 254, type = 1, length = 0 } = options;
  return Buffer.concat([Buffer.of(2, length, 0, 0, table, 3, 0, type, 0, 0, 0, 0), ...rest]);
}

test('routes are those of the main table to somebody else, where the attribute wins over the byte', (t) => {
  const gateway = attribute(5, Buffer.of(10, 0, 0, 1));
  const destination = attribute(1, Buffer.of(10, 8, 0, 0));
  const kernel = dumping(
    24,
    routeRow({}, gateway, attribute(4, int32(2)), attribute(6, int32(100))),
    routeRow({ length: 16 }, destination, attribute(4, int32(3))),
    routeRow({ table: 255 }), // RT_TABLE_LOCAL
    routeRow({ type: 3 }), // RTN_BROADCAST
    routeRow({ table: 252 }, attribute(15, int32(1000))), // RTA_TABLE: a table whose number needs more than a byte
    routeRow({ table: 252, length: 8 }, attribute(15, int32(254))),
  );
  t.deepEqual(
    listRoutes(kernel.connect(), 4).map(({ destination: to, gateway: via, linkIndex, metric }) => [
      formatPrefix(to),
      via === undefined ? undefined : formatAddress(via),
      linkIndex,
      metric,
    ]),
    [
      ['0.0.0.0/0', '10.0.0.1', 2, 100],
      ['10.8.0.0/16', undefined, 3, 0],
      ['0.0.0.0/8', undefined, undefined, 0],
    ],
  );
  t.is(kernel.messages[0]?.payload[0], 2);
});

/** struct rtnexthop: its length, flags, the weight less one, the link; and its attributes. */
function nextHop(flags: number, linkIndex: number, ...attributes: readonly Buffer[]): Buffer {
  const rest = Buffer.concat([int32(linkIndex), ...attributes]);
  return Buffer.concat([Buffer.of(4 + rest.length, 0, flags, 2), rest]);
}

function ways(routes: readonly Route[]): readonly unknown[] {
  return routes.map(({ gateway, linkIndex, metric, shared }) => [
    gateway === undefined ? undefined : formatAddress(gateway),
    linkIndex,
    metric,
    shared,
  ]);
}

const [near, far] = [attribute(5, Buffer.of(10, 0, 0, 1)), attribute(5, Buffer.of(10, 1, 0, 1))];
const linkDown = 16;
/** RTA_MULTIPATH 9; RTA_VIA 18 is a gateway of the other family. */
const multipath = routeRow(
  {},
  attribute(6, int32(7)),
  attribute(9, Buffer.concat([nextHop(0, 2, near), nextHop(linkDown, 3, attribute(18, Buffer.alloc(18)), far)])),
);
const asWays = [
  ['10.0.0.1', 2, 7, true],
  ['10.1.0.1', 3, 7, true],
];

test('a route with several next hops is a way by each', (t) => {
  t.deepEqual(ways(listRoutes(dumping(24, multipath).connect(), 4)), asWays);
  const six = Buffer.concat([Buffer.of(10), multipath.subarray(1)]);
  t.deepEqual(ways(listRoutes(dumping(24, six).connect(), 6)), asWays);
  t.deepEqual(ways(listRoutes(dumping(24, routeRow({}, attribute(4, int32(2)), near)).connect(), 4)), [
    ['10.0.0.1', 2, 0, false],
  ]);
  const events = readRouteEvents({ type: 25, flags: 0, sequence: 0, payload: multipath });
  t.deepEqual(ways(events.map((event) => event.route)), asWays);
  t.deepEqual(
    events.map(({ change }) => change),
    ['gone', 'gone'],
  );
});

test('one of several next hops is not our default route', (t) => {
  const gateway = parseAddress('10.0.0.1');
  const step: RouteStep = { kind: 'route', in: 'host', family: 4, link: 'up0', gateway, why: '' };
  const holds = (row: Buffer) => {
    const world = { linkIndex: () => 2, namespace: () => ({ route: dumping(24, row).connect() }) };
    return route.holds(step, world as unknown as KernelHandles);
  };
  t.true(holds(routeRow({}, attribute(4, int32(2)), near)));
  t.false(holds(routeRow({}, attribute(4, int32(3)), near)));
  t.false(holds(multipath));
});
