import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { inDigits } from '../../src/firewall/nftables.ts';
import { type FirewallMark, matches, wholeMask } from '../../src/values/firewall-mark.ts';
import { formatSetElement } from '../../src/values/set-element.ts';

const ruleset = readFileSync(new URL('../../src/firewall/nftables/ruleset.nft', import.meta.url), 'utf8');

/** What the chain `marked` compares, rule by rule: twice `meta mark & MASK | BITS`, of which one has to be in the set. */
const compared = [...ruleset.matchAll(/meta mark & (0x\w+) \| (0x\w+) != @accepted_marks/g)].map(([, mask, bits]) => ({
  mask: Number(mask),
  bits: Number(bits),
}));

function elements(mark: FirewallMark): readonly string[] {
  const key = [{ type: 'ifname', name: 'br0' } as const, { type: 'mark', mark } as const];
  return (inDigits({ set: 'accepted_marks', key }) ?? []).map(formatSetElement);
}

/** What the rules do with a packet. */
function accepts(held: readonly string[], packet: number): boolean {
  const all = new Set(held);
  const isIn = ({ mask, bits }: (typeof compared)[number]) =>
    all.has(`"br0" . 0x${((((packet & mask) >>> 0) | bits) >>> 0).toString(16)}`);
  return compared.every((one, index) => index % 2 === 1 || isIn(one) || isIn(compared[index + 1] ?? one));
}

test('encodes a digit with a 1 before it, and an arbitrary digit as a 2', (t) => {
  t.deepEqual(elements({ mark: 1, mask: 3 }), [
    ...['0x11', '0x15', '0x19', '0x1d'].map((value) => `"br0" . ${value}`),
    ...['0x200', '0x2000', '0x20000', '0x200000', '0x2000000', '0x20000000', '0x2'].map((value) => `"br0" . ${value}`),
  ]);
  t.is(elements({ mark: 0x80000001, mask: wholeMask }).at(-1), '"br0" . 0x80000001');
  t.is(inDigits({ set: 'bridges', key: [{ type: 'ifname', name: 'br0' }] }), undefined);
});

test('accepts packets with the mark, and no others', (t) => {
  t.is(compared.length, 16);
  const word = fc.integer({ min: 0, max: wholeMask });
  const near = fc.tuple(word, word, word, fc.nat(31)).map(([mask, bits, packet, bit]) => {
    const mark = { mask, mark: (bits & mask) >>> 0 };
    const close = ((packet & ~mask) | mark.mark) >>> 0;
    return { mark, packets: [packet, close, (close ^ (2 ** bit)) >>> 0] };
  });
  fc.assert(
    fc.property(near, ({ mark, packets }) => {
      for (const packet of packets)
        t.is(accepts(elements(mark), packet), matches(mark, packet), `${mark.mark}/${mark.mask} ${packet}`);
    }),
    { seed: 1, numRuns: 2000 },
  );
});

test('accepts nothing if an element of the mark is missing', (t) => {
  const mark = { mark: 1, mask: 3 };
  for (const missing of elements(mark).slice(4)) {
    const left = elements(mark).filter((one) => one !== missing);
    t.false(accepts(left, 1), missing);
  }
});
