/**
 * How one value lies in a netlink message: the atoms of which every table in this house is made.
 *
 * A codec writes a value and reads it back. Integers are in the byte order of the machine unless their name ends in
 * `be`, as in the kernel's own `__be32`. All of gangway's machines are little-endian (x86-64, arm64).
 */
import { type Address, fromBytes, toBytes } from '../values/address.ts';
import { formatMac, type Mac, macBytes } from '../values/mac.ts';
import type { Writer } from './writer.ts';

export interface Codec<T> {
  write(writer: Writer, value: T): void;
  read(bytes: Buffer): T;
  /** Is the value itself a list of attributes? Then its own attribute carries NLA_F_NESTED. */
  readonly nested?: boolean;
  /** For the error message: the name of the attribute at this offset within the value. */
  locate?(bytes: Buffer, offset: number): string | undefined;
}

export type Value<C> = C extends Codec<infer T> ? T : never;

export const u8: Codec<number> = {
  write: (writer, value) => writer.u8(value),
  read: (bytes) => bytes.readUInt8(0),
};

export const u16: Codec<number> = {
  write: (writer, value) => writer.u16(value),
  read: (bytes) => bytes.readUInt16LE(0),
};

export const u16be: Codec<number> = {
  write: (writer, value) => writer.u16(((value & 0xff) << 8) | (value >> 8)),
  read: (bytes) => bytes.readUInt16BE(0),
};

export const u32: Codec<number> = {
  write: (writer, value) => writer.u32(value),
  read: (bytes) => bytes.readUInt32LE(0),
};

export const u32be: Codec<number> = {
  write: (writer, value) => {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeUInt32BE(value);
    writer.bytes(bytes);
  },
  read: (bytes) => bytes.readUInt32BE(0),
};

export const u64: Codec<bigint> = {
  write: (writer, value) => {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigUInt64LE(value);
    writer.bytes(bytes);
  },
  read: (bytes) => bytes.readBigUInt64LE(0),
};

export const u64be: Codec<bigint> = {
  write: (writer, value) => {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigUInt64BE(value);
    writer.bytes(bytes);
  },
  read: (bytes) => bytes.readBigUInt64BE(0),
};

/** A C string with its final zero byte. */
export const cstring: Codec<string> = {
  write: (writer, value) => writer.string(value),
  read: (bytes) => {
    const end = bytes.indexOf(0);
    return bytes.toString('utf8', 0, end === -1 ? bytes.length : end);
  },
};

/** Bytes as they are. */
export const binary: Codec<Uint8Array> = {
  write: (writer, value) => writer.bytes(value),
  read: (bytes) => Uint8Array.from(bytes),
};

/** An attribute whose presence is its value: NLA_FLAG. */
export const flag: Codec<true> = {
  write: () => {},
  read: () => true,
};

/** An address of either family; its length tells which. */
export const address: Codec<Address> = {
  write: (writer, value) => writer.bytes(toBytes(value)),
  read: (bytes) => fromBytes(bytes),
};

export const mac: Codec<Mac> = {
  write: (writer, value) => writer.bytes(macBytes(value)),
  read: (bytes) => formatMac(bytes),
};
