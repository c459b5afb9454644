import test from 'ava';
import {
  addBridge,
  addVeth,
  disableBridgePort,
  setGroupsForwarded,
  setHairpin,
  setIsolated,
} from '../../src/kernel/bridge.ts';
import {
  deleteLink,
  findLink,
  listLinks,
  readLinkEvent,
  renameLink,
  setLinkUp,
  setSegments,
} from '../../src/kernel/link.ts';
import type { RawMessage, Request } from '../../src/netlink/message.ts';
import { parseMac } from '../../src/values/mac.ts';
import { attribute, bits, done, FakeKernel, int32, message, refused } from '../support/netlink.ts';

/** The request's bytes behind its sixteen of header, whose parts are compared by name. */
function sent(request: Request): { readonly type: number; readonly flags: number; readonly body: string } {
  const kernel = new FakeKernel();
  kernel.connect().execute([request]);
  const [only] = kernel.messages;
  return { type: only?.type ?? 0, flags: only?.flags ?? 0, body: only?.payload.toString('hex') ?? '' };
}

function hex(...rows: readonly string[]): string {
  return rows.join('').replaceAll(' ', '');
}

/** NLM_F_REQUEST | NLM_F_ACK, and with NLM_F_EXCL | NLM_F_CREATE. */
const [plain, exclusive] = [0x5, 0x605];

test('a bridge: RTM_NEWLINK with its name, MAC and MTU, without multicast snooping', (t) => {
  const bridge = { name: 'gangway0', mac: parseMac('02:42:01:02:03:04'), mtuBytes: 1500 };
  t.deepEqual(sent(addBridge(bridge)), {
    type: 16,
    flags: exclusive,
    body: hex(
      '0000 0000 00000000 00000000 00000000', // struct ifinfomsg: family, padding and type, index, flags, change
      '0d00 0300 67616e6777617930 00 000000', // IFLA_IFNAME 3: gangway0
      '0a00 0100 024201020304 0000', // IFLA_ADDRESS 1
      '0800 0400 dc050000', // IFLA_MTU 4: 1500
      '1c00 1280', // IFLA_LINKINFO 18, nested
      '0b00 0100 62726964676500 00', // IFLA_INFO_KIND 1: bridge
      '0c00 0280', // IFLA_INFO_DATA 2, nested
      '0500 1700 00 000000', // IFLA_BR_MCAST_SNOOPING 23
    ),
  });
});

test('a veth: both ends in one message, ours up and plugged in, the other one born elsewhere', (t) => {
  const pair = {
    name: 'veth1',
    mtuBytes: 1500,
    master: 7,
    peer: { name: 'eth0', mac: parseMac('02:42:ac:11:00:02'), namespaceFd: 9 },
  };
  t.deepEqual(sent(addVeth(pair)), {
    type: 16,
    flags: exclusive,
    body: hex(
      '0000 0000 00000000 01000000 01000000', // IFF_UP in flags, and in change
      '0a00 0300 766574683100 0000', // IFLA_IFNAME 3: veth1
      '0800 0400 dc050000', // IFLA_MTU 4
      '0800 0a00 07000000', // IFLA_MASTER 10
      '0800 1f00 01000000', // IFLA_NUM_TX_QUEUES 31
      '0800 2000 01000000', // IFLA_NUM_RX_QUEUES 32
      '6000 1280', // IFLA_LINKINFO 18, nested, 96 bytes
      '0900 0100 7665746800 000000', // IFLA_INFO_KIND 1: veth
      '5000 0280', // IFLA_INFO_DATA 2, nested, 80 bytes
      '4c00 0180', // VETH_INFO_PEER 1, nested, 76 bytes
      '0000 0000 00000000 00000000 00000000', // its own ifinfomsg
      '0900 0300 6574683000 000000', // IFLA_IFNAME: eth0
      '0a00 0100 0242ac110002 0000', // IFLA_ADDRESS
      '0800 0400 dc050000', // IFLA_MTU
      '0800 1c00 09000000', // IFLA_NET_NS_FD 28
      '0800 1f00 01000000',
      '0800 2000 01000000',
    ),
  });
});

test('the sizes of packets are of a family each', (t) => {
  t.deepEqual(sent(setSegments('v1', { 4: 393_216, 6: 131_072 })), {
    type: 16,
    flags: plain,
    body: hex(
      '0000 0000 00000000 00000000 00000000',
      '0700 0300 763100 00',
      '0800 2900 00000200', // IFLA_GSO_MAX_SIZE 41
      '0800 3a00 00000200', // IFLA_GRO_MAX_SIZE 58
      '0800 3f00 00000600', // IFLA_GSO_IPV4_MAX_SIZE 63
      '0800 4000 00000600', // IFLA_GRO_IPV4_MAX_SIZE 64
    ),
  });
});

test('up and down differ in a flag, of which the change mask speaks alone', (t) => {
  const name = '0700 0300 6c6f00 00';
  t.deepEqual(sent(setLinkUp('lo', true)), {
    type: 16,
    flags: plain,
    body: hex('0000 0000 00000000 01000000 01000000', name),
  });
  t.is(sent(setLinkUp('lo', false)).body, hex('0000 0000 00000000 00000000 01000000', name));
});

test('a link gets a name by its index', (t) => {
  t.deepEqual(sent(renameLink(7, 'eth0')), {
    type: 16,
    flags: plain,
    body: hex('0000 0000 07000000 00000000 00000000', '0900 0300 6574683000 000000'),
  });
});

test('what is for the bridge itself is passed on, all groups but PAUSE', (t) => {
  t.is(
    sent(setGroupsForwarded('v1')).body.slice(-24),
    hex('0c00 0580 0600 1f00 fdff 0000'), // IFLA_BRPORT_GROUP_FWD_MASK 31
  );
});

test('hairpin is an option of the port, and the kind is the port’s', (t) => {
  t.is(
    sent(setHairpin('v1')).body,
    hex(
      '0000 0000 00000000 00000000 00000000',
      '0700 0300 763100 00',
      '1c00 1280',
      '0b00 0400 62726964676500 00', // IFLA_INFO_SLAVE_KIND 4: bridge
      '0c00 0580 0500 0400 01 000000', // IFLA_INFO_SLAVE_DATA 5, nested: IFLA_BRPORT_MODE 4
    ),
  );
});

test('a filtered bridge asks the rules for itself, whatever the sysctl says', (t) => {
  const bridge = { name: 'br0', mac: parseMac('02:42:01:02:03:04'), mtuBytes: 1500 };
  const filtered = sent(addBridge({ ...bridge, filtered: true })).body;
  const plain = sent(addBridge(bridge)).body;
  // IFLA_BR_NF_CALL_IPTABLES 36 and IFLA_BR_NF_CALL_IP6TABLES 37, behind the other options of the bridge
  t.true(filtered.endsWith(hex('0500 2400 01 000000', '0500 2500 01 000000')));
  t.is(filtered.length, plain.length + 32);
});

test('an isolated port', (t) => {
  t.true(sent(setIsolated('v1')).body.endsWith(hex('0c00 0580 0500 2100 01 000000'))); // IFLA_BRPORT_ISOLATED 33
});

test('a port is disabled through the family of bridges, by its index', (t) => {
  t.deepEqual(sent(disableBridgePort('veth1', 5)), {
    type: 19, // RTM_SETLINK
    flags: plain,
    body: hex(
      '0700 0000 05000000 00000000 00000000', // PF_BRIDGE
      '0c00 0c80 0500 0100 00 000000', // IFLA_PROTINFO 12, nested: IFLA_BRPORT_STATE 1
    ),
  });
});

test('a link is deleted by its name', (t) => {
  t.deepEqual(sent(deleteLink('v1')), {
    type: 17,
    flags: plain,
    body: hex('0000 0000 00000000 00000000 00000000', '0700 0300 763100 00'),
  });
});

/** What the kernel tells of eth0, with attributes that we don't know between those that we do. */
function body(options: { readonly family?: number; readonly up?: boolean } = {}): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt16LE(options.family ?? 0, 0);
  head.writeUInt16LE(1, 2);
  head.writeUInt32LE(2, 4);
  head.writeUInt32LE(options.up === false ? 0x1002 : 0x11043, 8);
  const counters = Buffer.alloc(24 * 8);
  for (const [index, value] of [1n, 2n, 300n, 400n].entries()) counters.writeBigUInt64LE(value, index * 8);
  return Buffer.concat([
    head,
    attribute(3, Buffer.from('eth0\0')),
    attribute(55, Buffer.from('unknown')),
    attribute(4, int32(1500)),
    attribute(10, int32(7)),
    attribute(1, Buffer.from('0242ac110002', 'hex')),
    attribute(23, counters),
    attribute(18, Buffer.concat([attribute(1, Buffer.from('veth\0')), attribute(99, Buffer.alloc(3))])),
  ]);
}

const eth0 = {
  index: 2,
  name: 'eth0',
  kind: 'veth',
  mac: parseMac('02:42:ac:11:00:02'),
  mtu: 1500,
  up: true,
  master: 7,
  portEnabled: false,
  statistics: { receivedPackets: 1n, transmittedPackets: 2n, receivedBytes: 300n, transmittedBytes: 400n },
  largeSegments: [],
};

test('a link is found by its name, with all that gangway wants to know of it', (t) => {
  const kernel = new FakeKernel(([one]) => [message(16, 0, one?.sequence ?? 0, body())]);
  t.deepEqual(findLink(kernel.connect(), 'eth0'), eth0);
  t.is(kernel.messages[0]?.type, 18);
  t.is(kernel.messages[0]?.payload.subarray(16).toString('hex'), hex('0900 0300 6574683000 000000'));
});

test('a link that is not there is undefined, and any other error is one', (t) => {
  const saying = (errno: 'ENODEV' | 'EPERM') =>
    new FakeKernel((all) => all.map((one) => refused(one, errno))).connect();
  t.is(findLink(saying('ENODEV'), 'eth0'), undefined);
  t.throws(() => findLink(saying('EPERM'), 'eth0'), { message: 'get link eth0: EPERM' });
});

test('all links are listed', (t) => {
  const kernel = new FakeKernel(([{ sequence } = { sequence: 0 }]) => [
    message(16, bits.multi, sequence, body()),
    message(16, bits.multi, sequence, body({ up: false })),
    done(sequence),
  ]);
  t.deepEqual(listLinks(kernel.connect()), [eth0, { ...eth0, up: false }]);
});

test('an event tells of a link that is there or gone, and not of a bridge’s port', (t) => {
  const event = (type: number, payload = body()): RawMessage => ({ type, flags: 0, sequence: 0, payload });
  t.deepEqual(readLinkEvent(event(16)), { kind: 'link', change: 'set', link: eth0 });
  t.is(readLinkEvent(event(17))?.change, 'gone');
  t.is(readLinkEvent(event(16, body({ family: 7 }))), undefined);
  t.is(readLinkEvent(event(20)), undefined);
});
