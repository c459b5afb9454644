/**
 * Firewall marks: a number that rules put on a packet, and the bits of it that count.
 *
 *     0x1        the mark 1, and no other bit
 *     0x1/0x3    of the two lowest bits the first, whatever the others are
 */
import { type ErrorCode, GangwayError } from './errors.ts';

/** What a packet's mark is compared with: `packet & mask === mark`. */
export interface FirewallMark {
  readonly mark: number;
  readonly mask: number;
}

export const wholeMask = 0xffffffff;

/** The one that our own rules give to what they have seen (networks/fail-closed-routing.ts). */
export const ownMark = 0x10000000;

/** That of a relay's connection in the name of a client, and of what is answered there (networks/transparent-source.ts). */
export const returningMark = 0x10000001;

/**
 * `MARK[/MASK]`, as docker's `--bridge-accept-fwmark` has it: decimal, or hexadecimal with 0x. Docker's octal is refused.
 *
 * @throws GangwayError invalid-network
 */
export function parseFirewallMark(text: string, key: string): FirewallMark {
  return parse(text, { key, code: 'invalid-network', example: '0x1 or 0x1/0x3' });
}

/**
 * The mark of a packet, all of whose bits count: `MARK`.
 *
 * @throws GangwayError invalid-option
 */
export function parsePacketMark(text: string, option: string): number {
  const asked = { key: option, code: 'invalid-option', example: '0x1' } as const;
  if (text.includes('/')) throw refusal(text, asked, 'a packet has a mark, and no mask', 'write 0x1');
  return parse(text, asked).mark;
}

/** Which option it is, and how one of its kind is written. */
interface Asked {
  readonly key: string;
  readonly code: ErrorCode;
  readonly example: string;
}

function parse(text: string, asked: Asked): FirewallMark {
  const [, mark, mask] = /^(0x[\da-f]{1,8}|\d{1,10})(?:\/(0x[\da-f]{1,8}|\d{1,10}))?$/i.exec(text) ?? [];
  const found = { mark: Number(mark ?? Number.NaN), mask: Number(mask ?? wholeMask) };
  const refuse = (message: string, hint: string) => {
    throw refusal(text, asked, message, hint);
  };
  if (/(^|\/)0\d/.test(text))
    refuse('a number that begins with 0 is octal to some', 'write it in decimal, or in hexadecimal with 0x');
  if (!(found.mark <= wholeMask && found.mask <= wholeMask)) refuse('no mark of 32 bits', `write ${asked.example}`);
  if (found.mark === 0) refuse('0 is the mark of all that nobody has marked', 'choose a mark that somebody sets');
  if (!matches(found, found.mark)) refuse('the mark has bits outside of its mask', 'write 0x1 or 0x1/0x3');
  if (hasOwnBit(found)) refuse('0x10000000 is gangway’s own mark', 'choose another bit');
  return found;
}

function refusal(text: string, { key, code }: Asked, message: string, hint: string): GangwayError {
  return new GangwayError(code, `${key} ${JSON.stringify(text)}: ${message}`, { hint });
}

/** A whole mask speaks of our bit only to say that it is not set, which is so when it is compared. */
function hasOwnBit({ mark, mask }: FirewallMark): boolean {
  return ((mask === wholeMask ? mark : mask) & ownMark) !== 0;
}

/** Does a packet's mark mean this one? */
export function matches({ mark, mask }: FirewallMark, packet: number): boolean {
  return (packet & mask) >>> 0 === mark;
}

/** `0x1/0x3`, `0x1`: as iptables-save(8) writes it. */
export function formatFirewallMark({ mark, mask }: FirewallMark): string {
  const whole = mask === wholeMask ? '' : `/0x${mask.toString(16)}`;
  return `0x${mark.toString(16)}${whole}`;
}
