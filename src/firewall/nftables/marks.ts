/**
 * A mark and its mask as elements: nft compares with a mask that a rule has, not with one that an element brings along.
 *
 * So the rules take a packet's mark apart into its eight digits and ask for each by itself. What a digit may be is an element:
 * the digit in its place, with a one in the place before it, which says that this place is meant; or a two there alone, where
 * it may be any. The place before the highest digit is the lowest.
 *
 *     0x1/0x3     0x11 0x15 0x19 0x1d     the lowest digit is one of these four
 *                 0x200 0x2000 … 0x2      the seven others may be any
 *
 * Of what is missing nothing is accepted. An interval would be shorter, but nft 1.1 lists the rule that asks for it with
 * its bytes swapped, and what it has listed it loads as another rule.
 */
import type { FirewallMark } from '../../values/firewall-mark.ts';
import { wholeMask } from '../../values/firewall-mark.ts';
import type { Datum, SetElement } from '../../values/set-element.ts';

const digits = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** An element as nftables keeps it: one with a mark becomes several. */
export function inDigits({ set, key }: SetElement): readonly SetElement[] | undefined {
  const mark = key.find((datum) => datum.type === 'mark');
  if (mark?.type !== 'mark') return undefined;
  return digits
    .flatMap((place) => digitsOf(mark.mark, place))
    .map((value): SetElement => ({ set, key: key.map((datum) => (datum === mark ? whole(value) : datum)) }));
}

function whole(value: number): Datum {
  return { type: 'mark', mark: { mark: value, mask: wholeMask } };
}

function digitsOf({ mark, mask }: FirewallMark, place: number): readonly number[] {
  const before = 4 * ((place + 1) % digits.length);
  const digit = (number: number) => (number >>> (4 * place)) & 0xf;
  if (digit(mask) === 0) return [(2 << before) >>> 0];
  return Array.from({ length: 16 }, (_, value) => value)
    .filter((value) => (value & digit(mask)) === digit(mark))
    .map((value) => ((value << (4 * place)) | (1 << before)) >>> 0);
}
