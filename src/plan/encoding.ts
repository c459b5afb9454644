/**
 * Encodes steps and records as JSON. Addresses are bigints, which JSON lacks: they are written as text,
 * `{"family":4,"value":"172.17.0.2"}`.
 */
import { type Address, formatAddress, isAddress, parseAddress } from '../values/address.ts';

export function encode(value: unknown): string {
  return `${JSON.stringify(value, (_, item: unknown) => (isAddressValue(item) ? { family: item.family, value: formatAddress(item) } : item))}\n`;
}

/** @throws SyntaxError for invalid JSON */
export function decode(text: string): unknown {
  return revive(JSON.parse(text));
}

/** Decodes addresses in place. A JSON reviver would be called for each number and string too. */
function revive(item: unknown): unknown {
  if (typeof item !== 'object' || item === null) return item;
  if (isWrittenAddress(item)) return parseAddress(item.value);
  const entries = item as Record<string, unknown>;
  for (const key in entries) {
    const inner = entries[key];
    if (typeof inner === 'object') entries[key] = revive(inner);
  }
  return item;
}

function isAddressValue(item: unknown): item is Address {
  return typeof (item as Address | null)?.value === 'bigint';
}

function isWrittenAddress(item: object): item is { readonly value: string } {
  const { family, value } = item as { readonly family?: unknown; readonly value?: unknown };
  return (family === 4 || family === 6) && typeof value === 'string' && isAddress(value);
}
