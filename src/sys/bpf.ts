/**
 * Programs and maps in the kernel: bpf(2).
 *
 * Everything that it makes is a descriptor, and lives as long as somebody has it open. A program that is linked to a
 * cgroup runs for the processes below it until the link is closed: so it ends with the process that made it, however
 * that one ends.
 *
 * @see bpf(2), union bpf_attr in linux/bpf.h
 */
import { closeSync } from 'node:fs';
import { hasErrno, ignoring, KernelError } from '../values/errors.ts';
import { call, libc } from './libc.ts';

/** bpf(2) has no name in the C library. */
const systemCalls: Readonly<Record<string, number>> = { x64: 321, arm64: 280, riscv64: 280, loong64: 280 };
const syscall = 'long syscall(long number, int command, void *attributes, unsigned int size)';

/** enum bpf_cmd */
const commands = {
  createMap: 0,
  loadProgram: 5,
  loadTypes: 18,
  lookUpBatch: 24,
  updateBatch: 26,
  deleteBatch: 27,
  link: 28,
} as const;
/** As far as these commands look at it. */
const attributeBytes = 72;
/** enum bpf_map_type */
const mapTypes = { hash: 1, socketStorage: 24 } as const;
const BPF_PROG_TYPE_CGROUP_SOCK_ADDR = 18;
/** Structs of the kernel's own are read by programs that may be had under the GPL. */
const license = 'Dual MIT/GPL';
/** Elements take their memory when they come, not before (BPF_F_NO_PREALLOC). */
const noPreallocation = 1;

/** How often a program is given to the kernel that was interrupted: as libbpf does. */
const loadAttempts = 5;

/** enum bpf_attach_type: the calls of a socket with an address before which, or behind which, a program runs. */
export const attachTypes = {
  connect4: 10,
  connect6: 11,
  sendmsg4: 14,
  sendmsg6: 15,
  recvmsg4: 19,
  recvmsg6: 20,
  getpeername4: 29,
  getpeername6: 30,
} as const;

export type AttachType = keyof typeof attachTypes;

/** The kernel could not prove a program harmless. */
export class VerifierRefusal extends KernelError {
  /** @param log what it found, instruction by instruction */
  constructor(
    operation: string,
    errno: string,
    readonly log: string,
  ) {
    super(operation, errno, lastSentence(log));
  }
}

/** The last line of a log is a statistic; the reason stands before it. */
function lastSentence(log: string): string | undefined {
  return log
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('processed '))
    .at(-1);
}

/** A map of elements that come and go. @throws KernelError EPERM without CAP_BPF */
export function createHash(name: string, keyBytes: number, valueBytes: number, maximum: number): number {
  return bpf(`create BPF map ${name}`, 'createMap', [
    [0, mapTypes.hash],
    [4, keyBytes],
    [8, valueBytes],
    [12, maximum],
    [16, noPreallocation],
    [28, name],
  ]);
}

/**
 * What sockets remember: a value each, which goes with the socket. Only programs write it.
 *
 * @throws KernelError EPERM without CAP_BPF, EINVAL before Linux 5.2
 */
export function createSocketStorage(name: string, valueBytes: number): number {
  const operation = `create BPF map ${name}`;
  const types = bpf(operation, 'loadTypes', [
    [0, typesOf(valueBytes)],
    [16, typesOf(valueBytes).length],
  ]);
  try {
    return bpf(operation, 'createMap', [
      [0, mapTypes.socketStorage],
      [4, 4],
      [8, valueBytes],
      [16, noPreallocation],
      [28, name],
      [48, types],
      [52, 1],
      [56, 2],
    ]);
  } finally {
    closeSync(types);
  }
}

/**
 * The kernel wants to know what a socket's storage looks like: the key is an int, type 1, and the value some of them,
 * type 2.
 *
 * @see struct btf_header, struct btf_type in linux/btf.h
 */
function typesOf(valueBytes: number): Buffer {
  const strings = Buffer.from('\0int\0');
  const [BTF_KIND_INT, BTF_KIND_ARRAY, signed32] = [1 << 24, 3 << 24, (1 << 24) | 32];
  const integer = [1, BTF_KIND_INT, 4, signed32];
  const array = [0, BTF_KIND_ARRAY, 0, 1, 1, valueBytes / 4];
  const types = Buffer.from(Uint32Array.from([...integer, ...array]).buffer);
  const header = Buffer.from(Uint32Array.of(0x0001eb9f, 24, 0, types.length, types.length, strings.length).buffer);
  return Buffer.concat([header, types, strings]);
}

/** Elements of a map, keys and values each behind each other. */
export interface Elements {
  readonly keys: Buffer;
  readonly values: Buffer;
}

/**
 * What is in a map.
 *
 * @param count how many elements there are; a place that none came into is all zeros
 */
export function elements(map: number, keyBytes: number, valueBytes: number, count: number): Elements {
  // The kernel gives them by the bucket, and says ENOSPC where a whole one has no room.
  const places = count + 64;
  const [keys, values] = [Buffer.alloc(places * keyBytes), Buffer.alloc(places * valueBytes)];
  // ENOENT: there are no more.
  ignoring('ENOENT', () =>
    bpf('look up in BPF map', 'lookUpBatch', [
      [8, Buffer.alloc(4)],
      [16, keys],
      [24, values],
      [32, places],
      [36, map],
    ]),
  );
  return { keys, values };
}

/** @throws KernelError E2BIG if the map is full: then some of them are in it */
export function updateElements(map: number, { keys, values }: Elements, count: number): void {
  if (count === 0) return;
  bpf('update BPF map', 'updateBatch', [
    [16, keys],
    [24, values],
    [32, count],
    [36, map],
  ]);
}

/** @throws KernelError ENOENT if one of them is not there: then some of the others are gone */
export function deleteElements(map: number, keys: Buffer, count: number): void {
  if (count === 0) return;
  bpf('delete from BPF map', 'deleteBatch', [
    [16, keys],
    [32, count],
    [36, map],
  ]);
}

/**
 * Has the kernel look through a program and compile it.
 *
 * @throws VerifierRefusal, with what the kernel found; KernelError EPERM without CAP_BPF and CAP_NET_ADMIN
 */
export function loadProgram(name: AttachType, instructions: Buffer): number {
  const operation = `load BPF program ${name}`;
  const attributes: Attributes = [
    [0, BPF_PROG_TYPE_CGROUP_SOCK_ADDR],
    [4, instructions.length / 8],
    [8, instructions],
    [16, Buffer.from(`${license}\0`)],
    [48, name],
    [68, attachTypes[name]],
  ];
  try {
    return load(operation, attributes);
  } catch (error) {
    if (!hasErrno(error, 'EACCES', 'EINVAL')) throw error;
    // Once more, for its reasons.
    const log = Buffer.alloc(1 << 18);
    try {
      return bpf(operation, 'loadProgram', [...attributes, [24, 1], [28, log.length], [32, log]]);
    } catch {
      const said = log.toString('latin1', 0, log.indexOf(0));
      throw said === '' ? error : new VerifierRefusal(operation, (error as KernelError).errno, said);
    }
  }
}

/** The kernel does not finish looking while a signal waits to be heard, of a profiler say (EAGAIN). */
function load(operation: string, attributes: Attributes): number {
  for (let attempt = 1; ; attempt++) {
    try {
      return bpf(operation, 'loadProgram', attributes);
    } catch (error) {
      if (attempt === loadAttempts || !hasErrno(error, 'EAGAIN')) throw error;
    }
  }
}

/**
 * Runs a program for all processes of a cgroup and of those below it, beside the programs of others, until the link is
 * closed.
 *
 * @param cgroup a descriptor of its directory
 * @throws KernelError EINVAL before Linux 5.7; EPERM where somebody else's program wants to be the only one
 */
export function linkToCgroup(name: AttachType, program: number, cgroup: number): number {
  return bpf(`link BPF program ${name}`, 'link', [
    [0, program],
    [4, cgroup],
    [8, attachTypes[name]],
  ]);
}

/** Numbers at offsets of union bpf_attr: of 32 bits, a name, or the 64 bits of a buffer's address. */
type Attributes = readonly (readonly [offset: number, value: number | string | Buffer])[];

/** What the kernel writes into a buffer is in it, also when this throws. */
function bpf(operation: string, command: keyof typeof commands, attributes: Attributes): number {
  const number = systemCalls[process.arch];
  if (number === undefined) throw new KernelError(operation, 'ENOSYS');
  const buffers = attributes.flatMap(([offset, value]) => (Buffer.isBuffer(value) ? [{ offset, bytes: value }] : []));
  // All in one piece, which stays where it is as long as the call lasts: the attributes, and behind them what they point to.
  const size = buffers.reduce((sum, { bytes }) => sum + aligned(bytes.length), attributeBytes);
  const memory = Buffer.from(new ArrayBuffer(size));
  for (const [offset, value] of attributes) {
    if (typeof value === 'number') memory.writeUInt32LE(value, offset);
    else if (typeof value === 'string') memory.write(value, offset, 'latin1');
  }
  const base = libc().koffi.address(memory);
  let end = attributeBytes;
  const places = buffers.map(({ offset, bytes }) => {
    const start = end;
    memory.writeBigUInt64LE(base + BigInt(start), offset);
    memory.set(bytes, start);
    end += aligned(bytes.length);
    return { bytes, start };
  });
  try {
    return call(operation, syscall, number, commands[command], memory, attributeBytes);
  } finally {
    for (const { bytes, start } of places) memory.copy(bytes, 0, start, start + bytes.length);
  }
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
