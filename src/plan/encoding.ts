/**
 * Steps and records as JSON. The one type in them that JSON lacks is the bigint of an address: it is written as text,
 * `{"family":4,"value":"172.17.0.2"}` read as a person would.
 */
import { type Address, formatAddress, isAddress, parseAddress } from '../values/address.ts';

export function encode(value: unknown): string {
  return `${JSON.stringify(value, (_, item: unknown) => (isBinaryAddress(item) ? { family: item.family, value: formatAddress(item) } : item))}\n`;
}

/** @throws SyntaxError where the text is no JSON */
export function decode(text: string): unknown {
  return JSON.parse(text, (_, item: unknown) => (isWrittenAddress(item) ? parseAddress(item.value) : item));
}

function isBinaryAddress(item: unknown): item is Address {
  return typeof (item as Address | null)?.value === 'bigint';
}

function isWrittenAddress(item: unknown): item is { readonly value: string } {
  const { family, value } = (item ?? {}) as { family?: unknown; value?: unknown };
  return (family === 4 || family === 6) && typeof value === 'string' && isAddress(value);
}
