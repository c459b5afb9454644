import test from 'ava';
import fc from 'fast-check';
import { decode, encode } from '../../src/plan/encoding.ts';
import { fromBytes, parseAddress } from '../../src/values/address.ts';

const bytes = (length: number) => fc.array(fc.integer({ min: 0, max: 255 }), { minLength: length, maxLength: length });
const address = fc.oneof(bytes(4), bytes(16)).map((all) => fromBytes(all));
/** JSON of any shape, with addresses anywhere in it. */
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    address,
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('tree'), { maxLength: 4 }),
  object: fc.dictionary(
    fc.string().filter((key) => key !== '__proto__' && key !== 'toJSON'),
    tie('tree'),
    { maxKeys: 4, noNullPrototype: true },
  ),
}));

test('decodes encoded values, with addresses as numbers', (t) => {
  fc.assert(
    fc.property(tree, (value) => {
      t.deepEqual(decode(encode(value)), value);
    }),
  );
});

test('writes an address as text', (t) => {
  t.is(encode({ gateway: parseAddress('fd00::1') }), '{"gateway":{"family":6,"value":"fd00::1"}}\n');
});

test('keeps values that only resemble an address', (t) => {
  for (const value of [{ family: 4, value: 'x' }, { family: 5, value: '1.2.3.4' }, { value: '1.2.3.4' }, '1.2.3.4'])
    t.deepEqual(decode(JSON.stringify(value)), value);
});

test('throws SyntaxError for text truncated at any length', (t) => {
  const whole = encode({ schema: 1, steps: [{ gateway: parseAddress('172.17.0.1') }] }).trimEnd();
  for (let length = 0; length < whole.length; length++) {
    t.throws(() => decode(whole.slice(0, length)), { instanceOf: SyntaxError });
  }
});
