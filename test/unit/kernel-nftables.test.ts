import test from 'ava';
import { changeElements, deleteTable, hasElement, hasTable } from '../../src/kernel/nftables.ts';
import type { RawMessage } from '../../src/netlink/message.ts';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import type { SetElement } from '../../src/values/set-element.ts';
import { FakeKernel, message, refused } from '../support/netlink.ts';

function hex(...rows: readonly string[]): string {
  return rows.join('').replaceAll(' ', '');
}

const table = { family: 'inet', name: 'gangway' } as const;

const port: SetElement = {
  set: 'ports4',
  key: [
    { type: 'inet_proto', protocol: 'tcp' },
    { type: 'inet_service', port: 8080 },
  ],
  value: [
    { type: 'address', address: parseAddress('172.17.0.2') },
    { type: 'inet_service', port: 80 },
  ],
};

/** The body of each message between the brackets. */
function added(...elements: readonly SetElement[]): readonly string[] {
  const kernel = new FakeKernel();
  changeElements(kernel.connect(), table, { remove: [], add: elements });
  return kernel.messages.slice(1, -1).map(({ payload }) => payload.toString('hex'));
}

/** NFTA_SET_ELEM_KEY of the first element; the sets of these tests have names of one letter. */
function keyOf(key: SetElement['key']): string {
  const [body = ''] = added({ set: 's', key });
  return body.slice(
    hex('01 00 0000', '0c00 0100 67616e6777617900', '0600 0200 7300 0000', '0000 0380', '0000 0180').length,
  );
}

test('a batch is one datagram: begin, the elements, end, all for nf_tables', (t) => {
  const kernel = new FakeKernel();
  changeElements(kernel.connect(), table, { remove: [], add: [port, port] });
  t.is(kernel.heard.length, 1);
  t.deepEqual(
    kernel.messages.map(({ type, flags }) => [type, flags]),
    [
      [0x10, 0x1], // NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST
      [0x0a0c, 0x601], // NFNL_SUBSYS_NFTABLES and NFT_MSG_NEWSETELEM; NLM_F_EXCL, NLM_F_CREATE
      [0x0a0c, 0x605], // NLM_F_ACK
      [0x11, 0x1],
    ],
  );
  // struct nfgenmsg: any family, version 0, subsystem 10 in network order
  t.is(kernel.messages[0]?.payload.toString('hex'), '0000000a');
  t.is(kernel.messages[3]?.payload.toString('hex'), '0000000a');
});

test('a published port as the kernel wants it: each part of key and value padded to four bytes', (t) => {
  const body = hex(
    '01 00 0000', // struct nfgenmsg: NFPROTO_INET
    '0c00 0100 67616e6777617900', // NFTA_SET_ELEM_LIST_TABLE 1: gangway
    '0b00 0200 706f7274733400 00', // NFTA_SET_ELEM_LIST_SET 2: ports4
    '2800 0380', // NFTA_SET_ELEM_LIST_ELEMENTS 3, nested
    '2400 0180', // NFTA_LIST_ELEM 1, nested
    '1000 0180 0c00 0100 06000000 1f900000', // NFTA_SET_ELEM_KEY 1: NFTA_DATA_VALUE 1: tcp . 8080
    '1000 0280 0c00 0100 ac110002 00500000', // NFTA_SET_ELEM_DATA 2: 172.17.0.2 . 80
  );
  t.deepEqual(added(port), [body]);
});

test('a key of one part is not padded within its value', (t) => {
  t.is(keyOf([{ type: 'nf_proto', family: 4 }]), hex('0c00 0180 0500 0100 02 000000'));
  t.is(keyOf([{ type: 'inet_service', port: 80 }]), hex('0c00 0180 0600 0100 0050 0000'));
});

test('an interface’s name fills sixteen bytes', (t) => {
  t.is(keyOf([{ type: 'ifname', name: 'gangway0' }]), hex('1800 0180 1400 0100 67616e6777617930 0000000000000000'));
});

test('a prefix is an interval: a first key without host bits and a last one with nothing but', (t) => {
  const key = keyOf([
    { type: 'ifname', name: 'br' },
    { type: 'prefix', prefix: parsePrefix('172.17.0.1/16') },
  ]);
  const name = hex('6272', '00'.repeat(14));
  // NFTA_SET_ELEM_KEY_END 10
  t.is(key, hex('1c00 0180 1800 0100', name, 'ac110000', '1c00 0a80 1800 0100', name, 'ac11ffff'));
});

test('a verdict is a code in network order and a chain', (t) => {
  const [body = ''] = added({
    set: 's',
    key: [{ type: 'nf_proto', family: 6 }],
    value: [{ type: 'goto', chain: 'enter' }],
  });
  // NFTA_SET_ELEM_DATA 2, NFTA_DATA_VERDICT 2, NFTA_VERDICT_CODE 1: NFT_GOTO -4, NFTA_VERDICT_CHAIN 2
  t.true(body.endsWith(hex('1c00 0280 1800 0280 0800 0100 fffffffc 0a00 0200 656e74657200 0000')));
});

test('a verdict in a key is a mistake of the program', (t) => {
  t.throws(() => keyOf([{ type: 'goto', chain: 'enter' }]), { instanceOf: TypeError });
});

test('an element is taken out by its very value, and no flag but that for an answer', (t) => {
  const kernel = new FakeKernel();
  changeElements(kernel.connect(), table, { remove: [port], add: [] });
  t.deepEqual([kernel.messages[1]?.type, kernel.messages[1]?.flags], [0x0a0e, 0x5]);
  t.deepEqual([kernel.messages[1]?.payload.toString('hex')], added(port));
});

test('the element that failed is named as nft writes it', (t) => {
  const kernel = new FakeKernel((sent) => [refused(sent[2] as RawMessage, 'EEXIST')]);
  t.throws(
    () =>
      changeElements(kernel.connect(), table, {
        remove: [],
        add: [{ ...port, key: [{ type: 'inet_service', port: 1 }] }, port],
      }),
    {
      message: 'add element ports4 { tcp . 8080 : 172.17.0.2 . 80 }: EEXIST',
    },
  );
});

/** A kernel whose `ports4` has this one element, as a batch would write it. */
function holding(element: SetElement): FakeKernel {
  const body = Buffer.from(added(element)[0] ?? '', 'hex');
  return new FakeKernel(([one]) => [message(0x0a0c, 0, one?.sequence ?? 0, body)]);
}

test('an element is there when its key is, with this very value', (t) => {
  const other: SetElement = {
    ...port,
    value: [
      { type: 'address', address: parseAddress('172.17.0.3') },
      { type: 'inet_service', port: 80 },
    ],
  };
  const verdict = (chain: string): SetElement => ({ ...port, value: [{ type: 'goto', chain }] });
  const { value: _, ...key } = port;
  t.true(hasElement(holding(port).connect(), table, port));
  t.true(hasElement(holding(port).connect(), table, key));
  t.false(hasElement(holding(other).connect(), table, port));
  t.false(hasElement(holding(key).connect(), table, port));
  t.true(hasElement(holding(verdict('enter')).connect(), table, verdict('enter')));
  t.false(hasElement(holding(verdict('leave')).connect(), table, verdict('enter')));
});

test('the question for an element names its key alone', (t) => {
  const kernel = holding(port);
  hasElement(kernel.connect(), table, port);
  const { value: _, ...key } = port;
  t.deepEqual([kernel.messages[0]?.type, [kernel.messages[0]?.payload.toString('hex')]], [0x0a0d, added(key)]);
});

test('what the kernel does not know is not there; what it refuses to say is an error', (t) => {
  const saying = (errno: 'ENOENT' | 'EPERM') =>
    new FakeKernel((all) => all.map((one) => refused(one, errno))).connect();
  t.false(hasElement(saying('ENOENT'), table, port));
  t.false(hasTable(saying('ENOENT'), table));
  t.throws(() => hasElement(saying('EPERM'), table, port), { message: 'get element of ports4: EPERM' });
  t.throws(() => hasTable(saying('EPERM'), table), { message: 'get table gangway: EPERM' });
});

test('a table is asked for and deleted by family and name', (t) => {
  const kernel = new FakeKernel(([one]) => [message(0x0a00, 0, one?.sequence ?? 0, Buffer.alloc(4))]);
  t.true(hasTable(kernel.connect(), table));
  const other = { family: 'bridge', name: 'gangway' } as const;
  t.true(hasTable(kernel.connect(), other));
  const deleting = new FakeKernel();
  deleteTable(deleting.connect(), table);
  const body = hex('01 00 0000', '0c00 0100 67616e6777617900');
  t.deepEqual([kernel.messages[0]?.type, kernel.messages[0]?.payload.toString('hex')], [0x0a01, body]);
  t.is(kernel.messages[1]?.payload.toString('hex').slice(0, 2), '07', 'NFPROTO_BRIDGE');
  t.deepEqual([deleting.messages[1]?.type, deleting.messages[1]?.payload.toString('hex')], [0x0a02, body]);
});
