import test from 'ava';
import fc from 'fast-check';
import { attributes, headed, list, struct } from '../../src/netlink/attributes.ts';
import { address, binary, cstring, mac, u8, u32, u64 } from '../../src/netlink/codec.ts';
import { flags, readBody, readMessages, request, writeMessage } from '../../src/netlink/message.ts';
import { align, Writer } from '../../src/netlink/writer.ts';
import { message } from '../support/netlink.ts';

const inner = attributes({ number: [1, u8], name: [2, cstring] });
const kind = {
  name: 'RTM_NEWTHING',
  type: 100,
  header: struct({ family: [1, u8], length: [1, u8] }),
  attributes: attributes({
    index: [1, u32],
    name: [2, cstring],
    inner: [3, inner],
    entries: [4, list(1, inner)],
    peer: [5, headed(struct({ index: [4, u32] }), inner)],
    bytes: [6, u64],
    address: [7, address],
    mac: [8, mac],
    data: [9, binary],
  }),
};

function written(...all: readonly Parameters<typeof writeMessage>[1][]): Buffer {
  const writer = new Writer();
  for (const [index, one] of all.entries()) writeMessage(writer, one, index + 1, 0);
  return writer.buffer.subarray(0, writer.length);
}

const example = request('make thing', kind, flags.create, { family: 2 }, { name: 'lo', inner: { number: 6 } });

test('a message is its header, the struct of its family padded to four, and attributes', (t) => {
  const bytes = [
    '28000000 6400 0104 01000000 00000000', // struct nlmsghdr: 40 bytes, type 100, REQUEST|CREATE, number 1, no port
    '0200 0000', // two bytes of struct and two of padding
    '0700 0200 6c6f0000', // name
    '0c00 0380 0500 0100 06000000', // inner, nested
  ];
  t.is(written(example).toString('hex'), bytes.join('').replaceAll(' ', ''));
});

test('several messages in one datagram are read one by one, and their bodies by their table', (t) => {
  const found = [...readMessages(written(example, example))];
  t.deepEqual(
    found.map(({ type, sequence }) => [type, sequence]),
    [
      [100, 1],
      [100, 2],
    ],
  );
  t.deepEqual(
    found.map(({ payload }) => readBody(kind, payload)),
    Array(2).fill({ header: { family: 2, length: 0 }, attributes: { name: 'lo', inner: { number: 6 } } }),
  );
});

test('a datagram that is cut short gives the messages that are whole, and no more', (t) => {
  const whole = written(example, example);
  for (let length = 0; length <= whole.length; length++) {
    t.is([...readMessages(whole.subarray(0, length))].length, Math.floor(length / (whole.length / 2)));
  }
});

test('a message that is shorter than its own header ends the list and not the program', (t) => {
  const hostile = Buffer.from(message(100, 0, 1));
  for (const length of [0, 1, 15, 17, 0xffffffff]) {
    hostile.writeUInt32LE(length);
    t.deepEqual([...readMessages(hostile)], []);
  }
});

test('whatever bytes come, reading ends, and messages lie within them', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const all = [...readMessages(Buffer.from(bytes))];
      const total = all.reduce((sum, { payload }) => sum + align(16 + payload.length), 0);
      t.true(align(bytes.length) >= total);
    }),
    { numRuns: 1000 },
  );
});

/** A message with a few bytes changed: most of it still makes sense, which random bytes never do. */
const damaged = fc
  .array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 })
  .chain((changes) => fc.nat(300).map((cut) => ({ changes, cut })))
  .map(({ changes, cut }) => {
    const attributesOf = {
      index: 1,
      name: 'eth0',
      inner: { number: 1, name: 'x' },
      entries: [{ number: 1 }, { name: 'y' }],
      peer: { header: { index: 2 }, attributes: { name: 'z' } },
      bytes: 1n,
      data: Uint8Array.of(1, 2, 3),
    };
    const bytes = Buffer.from(written(request('make thing', kind, 0, { family: 2 }, attributesOf)).subarray(16));
    for (const [place, byte] of changes) bytes[place % bytes.length] = byte;
    return bytes.subarray(0, Math.max(0, bytes.length - (cut > bytes.length ? 0 : cut)));
  });

test('a damaged body is read or refused with a RangeError, and nothing else happens', (t) => {
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 120 })), (bytes) => {
      try {
        readBody(kind, Buffer.from(bytes));
      } catch (error) {
        t.true(error instanceof RangeError, String(error));
      }
      t.notThrows(() => kind.attributes.locate?.(Buffer.from(bytes), bytes.length >> 1));
    }),
    { numRuns: 3000 },
  );
});
