/**
 * Tables of attributes: the kernel's nla_policy, in both directions.
 *
 * A netlink message is a fixed header and a list of attributes, each a length, a number and a value that may itself be
 * such a list. A table gives the numbers names and codecs:
 *
 *     const linkAttributes = attributes({ mac: [1, mac], name: [3, cstring], mtu: [4, u32] });
 *
 * From it come the encoder, the decoder, the TypeScript type, and the name that an error message gives to the
 * attribute at which the kernel points. Attributes that a table does not know are skipped when read: a newer kernel
 * can't break us.
 *
 * @see nla_policy in include/net/netlink.h; struct nlattr in linux/netlink.h
 */
import type { Codec, Value } from './codec.ts';
import { align, type Writer } from './writer.ts';

const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;
const headerLength = 4;

type Row = readonly [number: number, codec: Codec<never>];
// biome-ignore lint/suspicious/noExplicitAny: a table holds codecs of any type; the mapped type below restores each
type Table = Readonly<Record<string, readonly [number: number, codec: Codec<any>]>>;

/** What a table describes: each name with its value, all optional, since the kernel sends what it has. */
export type Attributes<T extends Table> = { readonly [K in keyof T]?: Value<T[K][1]> };

export function attributes<const T extends Table>(table: T): Codec<Attributes<T>> {
  const names = new Map(Object.entries(table).map(([name, [number]]) => [number, name]));
  return {
    nested: true,
    write(writer, value) {
      for (const name in value) {
        const row = table[name] as Row | undefined;
        const item = value[name];
        if (row !== undefined && item !== undefined) writeAttribute(writer, row[0], row[1] as Codec<unknown>, item);
      }
    },
    read(bytes) {
      const result: Record<string, unknown> = {};
      for (const { number, payload } of walk(bytes)) {
        const name = names.get(number);
        if (name !== undefined) result[name] = table[name]?.[1].read(payload);
      }
      return result as Attributes<T>;
    },
    locate(bytes, offset) {
      for (const { number, payload, start } of walk(bytes)) {
        if (offset < start || offset >= start + headerLength + payload.length) continue;
        const name = names.get(number);
        if (name === undefined) return undefined;
        const inner = table[name]?.[1].locate?.(payload, offset - start - headerLength);
        return inner === undefined ? name : `${name}.${inner}`;
      }
      return undefined;
    },
  };
}

/** A list in which every entry carries the same number: NFTA_LIST_ELEM. */
export function list<T>(number: number, codec: Codec<T>): Codec<readonly T[]> {
  return {
    nested: true,
    write(writer, values) {
      for (const value of values) writeAttribute(writer, number, codec, value);
    },
    read: (bytes) => [...walk(bytes)].map(({ payload }) => codec.read(payload)),
    locate: (bytes, offset) => {
      const entry = [...walk(bytes)].find(
        ({ start, payload }) => offset >= start && offset < start + headerLength + payload.length,
      );
      return entry === undefined ? undefined : codec.locate?.(entry.payload, offset - entry.start - headerLength);
    },
  };
}

/** A struct followed by attributes, in one value: VETH_INFO_PEER is an ifinfomsg with a link's attributes behind it. */
export function headed<H, A>(header: Struct<H>, rest: Codec<A>): Codec<{ readonly header: H; readonly attributes: A }> {
  return {
    nested: true,
    write(writer, value) {
      header.write(writer, value.header);
      rest.write(writer, value.attributes);
    },
    read: (bytes) => ({ header: header.read(bytes), attributes: rest.read(bytes.subarray(header.length)) }),
    locate: (bytes, offset) => rest.locate?.(bytes.subarray(header.length), offset - header.length),
  };
}

/** A struct of fixed length. */
export interface Struct<T> extends Codec<T> {
  readonly length: number;
}

// biome-ignore lint/suspicious/noExplicitAny: as above
type Fields = Readonly<Record<string, readonly [length: number, codec: Codec<any>]>>;

/** A C struct without hidden padding: fields in order, each with its length in bytes. Absent fields are zero. */
export function struct<const F extends Fields>(fields: F): Struct<{ readonly [K in keyof F]?: Value<F[K][1]> }> {
  const rows = Object.entries(fields);
  const length = rows.reduce((sum, [, [bytes]]) => sum + bytes, 0);
  return {
    length,
    write(writer, value) {
      for (const [name, [bytes, codec]] of rows) {
        const item = value[name as keyof F];
        if (item === undefined) writer.zeros(bytes);
        else codec.write(writer, item);
      }
    },
    read(bytes) {
      const result: Record<string, unknown> = {};
      let offset = 0;
      for (const [name, [size, codec]] of rows) {
        result[name] = codec.read(bytes.subarray(offset, offset + size));
        offset += size;
      }
      return result as { readonly [K in keyof F]?: Value<F[K][1]> };
    },
  };
}

function writeAttribute<T>(writer: Writer, number: number, codec: Codec<T>, value: T): void {
  const start = writer.length;
  writer.u16(0);
  writer.u16(codec.nested === true ? number | NLA_F_NESTED : number);
  codec.write(writer, value);
  writer.buffer.writeUInt16LE(writer.length - start, start);
  writer.pad();
}

function* walk(
  bytes: Buffer,
): Generator<{ readonly number: number; readonly payload: Buffer; readonly start: number }> {
  let start = 0;
  while (start + headerLength <= bytes.length) {
    const length = bytes.readUInt16LE(start);
    if (length < headerLength || start + length > bytes.length) return;
    yield {
      number: bytes.readUInt16LE(start + 2) & NLA_TYPE_MASK,
      payload: bytes.subarray(start + headerLength, start + length),
      start,
    };
    start += align(length);
  }
}
