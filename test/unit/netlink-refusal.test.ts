import test from 'ava';
import { attributes, headed, struct } from '../../src/netlink/attributes.ts';
import { cstring, u8, u32 } from '../../src/netlink/codec.ts';
import { request } from '../../src/netlink/message.ts';
import { KernelError } from '../../src/values/errors.ts';
import { attribute, done, FakeKernel, refused } from '../support/netlink.ts';

const header = struct({ family: [1, u8] });
const peer = attributes({
  peer: [1, headed(struct({ index: [4, u32] }), attributes({ mtu: [4, u32], name: [3, cstring] }))],
});
const link = {
  name: 'RTM_NEWLINK',
  type: 16,
  header,
  attributes: attributes({ name: [3, cstring], info: [18, attributes({ kind: [1, cstring], data: [2, peer] })] }),
};
const add = request(
  'add link veth1 (veth)',
  link,
  0,
  { family: 0 },
  {
    name: 'veth1',
    info: { kind: 'veth', data: { peer: { header: { index: 2 }, attributes: { mtu: 1500, name: 'eth0' } } } },
  },
);
/** 16 bytes of header, 4 of family, 12 of name, 4 of info, 12 of kind, 4 of data, 4 of peer, 4 of index, 8 of mtu. */
const peerName = 68;

type Extended = Parameters<typeof refused>[2];

function refusalOf(errno: 'EEXIST' | 'EINVAL', extended: Extended): KernelError {
  const kernel = new FakeKernel((sent) => sent.map((message) => refused(message, errno, extended)));
  try {
    kernel.connect().execute([add]);
  } catch (error) {
    if (error instanceof KernelError) return error;
  }
  throw new Error('the request was not refused');
}

for (const whole of [false, true]) {
  const manner = whole ? 'quotes the whole request' : 'quotes the header alone';

  test(`the kernel’s sentence stands in the error when it ${manner}`, (t) => {
    const error = refusalOf('EINVAL', { sentence: 'Invalid master', whole });
    t.is(error.message, 'add link veth1 (veth): EINVAL: Invalid master');
    t.deepEqual([error.errno, error.detail, error.attribute], ['EINVAL', 'Invalid master', undefined]);
  });

  test(`the place at which the kernel points has the name that leads there when it ${manner}`, (t) => {
    const error = refusalOf('EEXIST', { sentence: 'File exists', offset: peerName, whole });
    t.is(error.attribute, 'info.data.peer.name');
    t.is(error.message, 'add link veth1 (veth): EEXIST: File exists (info.data.peer.name)');
  });

  test(`an errno alone is enough when it ${manner}`, (t) => {
    t.is(refusalOf('EEXIST', { whole }).message, 'add link veth1 (veth): EEXIST');
  });
}

test('a place outside the request has no name', (t) => {
  t.is(refusalOf('EINVAL', { offset: 4000 }).attribute, undefined);
  t.is(refusalOf('EINVAL', { offset: 0 }).attribute, undefined);
});

test('the sentence at the end of a dump stands right behind the errno', (t) => {
  const sentence = attribute(1, Buffer.from('Invalid mask\0'));
  const kernel = new FakeKernel((sent) => sent.map(({ sequence }) => done(sequence, 'EINVAL', sentence)));
  t.throws(() => kernel.connect().dump(add, link), { message: 'add link veth1 (veth): EINVAL: Invalid mask' });
});

test('an errno that Node does not know is told by its number', (t) => {
  const kernel = new FakeKernel((sent) =>
    sent.map((message) => {
      const answer = refused(message, 'EINVAL');
      answer.writeInt32LE(-524, 16);
      return answer;
    }),
  );
  t.throws(() => kernel.connect().execute([add]), { message: 'add link veth1 (veth): E524' });
});
