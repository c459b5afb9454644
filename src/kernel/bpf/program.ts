/**
 * An assembler for BPF programs, with as many instructions as gangway needs.
 *
 *     const program = [
 *       remark('TCP only'),                               ; TCP only
 *       load('w1', 'r1', socketAddress.protocol),         w1 = r1 -> bpf_sock_addr.protocol
 *       gotoIf('w1', '!=', 6, 'leave'),                   if w1 != 6 goto leave
 *       …
 *       label('leave'),                                   leave:
 *       set('r0', 1),                                     r0 = 1
 *       exit,                                             exit
 *     ];
 *
 * There are eleven registers of 64 bits. r1 to r5 are the arguments of a function, and lost by a call; r0 is its result;
 * r6 to r9 are preserved; r10 points to the end of a stack of 512 bytes. `w1` is the lower half of r1; a write to w1 clears the
 * upper half. An instruction takes eight bytes, and one with a constant of 64 bits sixteen:
 *
 *     code 8 | to 4, from 4 | offset 16 | immediate 32
 *
 * The kernel's verifier proves that a program ends, and that each access is valid; it explains a refusal line by line (sys/bpf.ts).
 * So only labels and maps are checked here.
 *
 * @see linux/bpf_common.h and linux/bpf.h for all numbers; Documentation/bpf/standardization/instruction-set.rst
 */
import type { Field, Width } from './layout.ts';

type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
export type Register64 = `r${Digit | 10}`;
type Register = Register64 | `w${Digit | 10}`;
type Operand = Register | number;

/** BPF_LD, BPF_LDX, BPF_ST, BPF_STX, BPF_ALU, BPF_JMP, BPF_JMP32, BPF_ALU64: the lowest three bits of the code. */
const classes = { constant: 0, load: 1, storeNumber: 2, store: 3, alu32: 4, jump: 5, jump32: 6, alu64: 7 } as const;
/** BPF_W, BPF_H, BPF_B, BPF_DW */
const widths: Readonly<Record<Width, number>> = { 4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18 };
/** BPF_MEM; BPF_IMM is 0 */
const memory = 0x60;
/** BPF_ATOMIC; BPF_ADD, its immediate, is 0 */
const atomic = 0xc0;
/** BPF_X; BPF_K is 0 */
const fromRegister = 0x08;
/** BPF_ADD, BPF_OR, BPF_AND, BPF_MOV */
const operations = { '+=': 0x00, '|=': 0x40, '&=': 0x50, '=': 0xb0 } as const;
/** BPF_JEQ, BPF_JNE */
const comparisons = { '==': 0x10, '!=': 0x50 } as const;
/** BPF_CALL, BPF_EXIT; BPF_JA is 0 */
const callCode = 0x80;
const exitCode = 0x90;
/** BPF_PSEUDO_MAP_FD: the immediate is a descriptor, which the kernel replaces by the map's address. */
const mapDescriptor = 1;

/** Functions of the kernel that programs call: their numbers in ___BPF_FUNC_MAPPER. */
const helpers = { map_lookup_elem: 1, sk_storage_get: 107, get_netns_cookie: 122, skc_to_tcp6_sock: 136 } as const;

/** What the encoding of a line depends on. */
interface Context {
  /** Number of instructions between the next one and the label. */
  readonly distance: (label: string) => number;
  readonly descriptor: (map: string) => number;
}

/** A line of a program: an instruction, a label, or a remark. */
export interface Line {
  /** The line in the listing. */
  readonly text: string;
  /** Length in units of eight bytes. */
  readonly length: 0 | 1 | 2;
  readonly label?: string;
  encode(context: Context): Buffer;
}

export type Program = readonly Line[];

const nothing = () => Buffer.alloc(0);

export const remark = (text: string): Line => ({ text: `\n  ; ${text}`, length: 0, encode: nothing });
export const label = (name: string): Line => ({ text: `${name}:`, length: 0, label: name, encode: nothing });
export const set = (to: Register, from: Operand): Line => compute(to, '=', from);
export const and = (to: Register, from: Operand): Line => compute(to, '&=', from);
export const or = (to: Register, from: Operand): Line => compute(to, '|=', from);
/** Sets a register to a number of 64 bits. */
export const constant = (to: Register64, value: bigint): Line =>
  instruction(`${to} = 0x${value.toString(16)}`, () => wide(to, 0, value), 2);
/** Sets a register to the address of a map. */
export const mapAddress = (to: Register64, map: string): Line =>
  instruction(`${to} = map ${map}`, ({ descriptor }) => wide(to, mapDescriptor, BigInt(descriptor(map))), 2);
/** Sets a register to the address of a field on the stack. */
export const stackAddress = (to: Register64, { offset }: Field): Program => [set(to, 'r10'), compute(to, '+=', offset)];

export const load = (to: Register, base: Register64, field: Field): Line =>
  instruction(`${to} = ${memoryText(base, field)}`, () =>
    encode(classes.load | memory | widths[field.width], number(to), number(base), field.offset, 0),
  );

export const store = (base: Register64, field: Field, from: Operand): Line =>
  instruction(`${memoryText(base, field)} = ${operandText(from)}`, () => {
    const code = (typeof from === 'number' ? classes.storeNumber : classes.store) | memory | widths[field.width];
    return encode(code, number(base), registerOf(from), field.offset, immediateOf(from));
  });

/** Adds to a field, atomically. */
export const add = (base: Register64, field: Field, from: Register64): Line =>
  instruction(`lock ${memoryText(base, field)} += ${from}`, () =>
    encode(classes.store | atomic | widths[field.width], number(base), number(from), field.offset, 0),
  );

export const goto = (label: string): Line =>
  instruction(`goto ${label}`, ({ distance }) => encode(classes.jump, 0, 0, distance(label), 0));

export const gotoIf = (left: Register, comparison: keyof typeof comparisons, right: Operand, label: string): Line =>
  instruction(`if ${left} ${comparison} ${operandText(right)} goto ${label}`, ({ distance }) => {
    const code = (isHalf(left) ? classes.jump32 : classes.jump) | comparisons[comparison];
    return operate(code, left, right, distance(label));
  });

export const call = (helper: keyof typeof helpers): Line =>
  instruction(`call ${helper}`, () => encode(classes.jump | callCode, 0, 0, 0, helpers[helper]));

export const exit: Line = instruction('exit', () => encode(classes.jump | exitCode, 0, 0, 0, 0));

/**
 * Encodes a program for the kernel.
 *
 * @param maps the descriptor of each map by its name
 * @throws Error for a label or a map that is missing, and for a label that is there twice
 */
export function assemble(program: Program, maps: ReadonlyMap<string, number>): Buffer {
  const labels = labelsOf(program);
  let next = 0;
  const encoded = program.map((line) => {
    next += line.length;
    return line.encode({
      distance: (name) => found(labels, name) - next,
      descriptor: (name) => found(maps, name),
    });
  });
  return Buffer.concat(encoded);
}

/** Returns the program as text. */
export function listing(program: Program): string {
  return program.map(({ text }) => `${text}\n`).join('');
}

function labelsOf(program: Program): ReadonlyMap<string, number> {
  const labels = new Map<string, number>();
  let place = 0;
  for (const { label, length } of program) {
    if (label !== undefined && labels.has(label)) throw new Error(`label ${label} is there twice`);
    if (label !== undefined) labels.set(label, place);
    place += length;
  }
  return labels;
}

function found(places: ReadonlyMap<string, number>, name: string): number {
  const place = places.get(name);
  if (place === undefined) throw new Error(`no ${name} in this program`);
  return place;
}

function instruction(text: string, encode: Line['encode'], length: 1 | 2 = 1): Line {
  return { text: `    ${text}`, length, encode };
}

function compute(to: Register, operation: keyof typeof operations, from: Operand): Line {
  const code = (isHalf(to) ? classes.alu32 : classes.alu64) | operations[operation];
  return instruction(`${to} ${operation} ${operandText(from)}`, () => operate(code, to, from, 0));
}

function operate(code: number, to: Register, from: Operand, offset: number): Buffer {
  const source = typeof from === 'number' ? 0 : fromRegister;
  return encode(code | source, number(to), registerOf(from), offset, immediateOf(from));
}

function wide(to: Register, from: number, value: bigint): Buffer {
  const [low, high] = [Number(value & 0xffffffffn), Number(value >> 32n)];
  const first = encode(classes.constant | widths[8], number(to), from, 0, low);
  return Buffer.concat([first, encode(0, 0, 0, 0, high)]);
}

/** struct bpf_insn */
function encode(code: number, to: number, from: number, offset: number, immediate: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(code, 0);
  bytes.writeUInt8((from << 4) | to, 1);
  bytes.writeInt16LE(offset, 2);
  bytes.writeInt32LE(immediate | 0, 4);
  return bytes;
}

function isHalf(register: Register): boolean {
  return register.startsWith('w');
}

function number(register: Register): number {
  return Number(register.slice(1));
}

function registerOf(operand: Operand): number {
  return typeof operand === 'number' ? 0 : number(operand);
}

function immediateOf(operand: Operand): number {
  return typeof operand === 'number' ? operand : 0;
}

/** `r6 -> bpf_sock_addr.user_port`; fields on the stack have a name without r10. */
function memoryText(base: Register64, { name }: Field): string {
  return base === 'r10' ? name : `${base} -> ${name}`;
}

function operandText(operand: Operand): string {
  if (typeof operand === 'string') return operand;
  return operand > 0xffff ? `0x${operand.toString(16).padStart(8, '0')}` : String(operand);
}
