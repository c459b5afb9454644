/**
 * The instructions of the kernel's own little machine, as many of them as gangway's programs need.
 *
 * There are eleven registers of 64 bits. r1 to r5 carry what a function is given and are lost by a call; r0 is what it
 * gives back; r6 to r9 stay; r10 points to the end of 512 bytes of stack. `w1` is the lower half of r1: what is
 * written to it clears the upper half. An instruction takes eight bytes,
 *
 *     code 8 | to 4, from 4 | offset 16 | immediate 32
 *
 * and a constant of 64 bits two of them. The code is a class in its lowest three bits, and what that class does with
 * the rest:
 *
 *     arithmetic, jumps   operation 4 | is the operand a register? 1 | class 3
 *     memory              mode 3 | width 2 | class 3
 *
 * @see linux/bpf_common.h and linux/bpf.h for every number here; Documentation/bpf/standardization/instruction-set.rst
 */
import type { Field, Width } from './layout.ts';

type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
export type Register64 = `r${Digit | 10}`;
type Register32 = `w${Digit | 10}`;
export type Register = Register64 | Register32;
export type Operand = Register | number;

/** BPF_LD, BPF_LDX, BPF_ST, BPF_STX, BPF_ALU, BPF_JMP, BPF_JMP32, BPF_ALU64 */
const classes = { constant: 0, load: 1, storeNumber: 2, store: 3, half: 4, jump: 5, jumpHalf: 6, whole: 7 } as const;
/** BPF_W, BPF_H, BPF_B, BPF_DW */
const widths: Readonly<Record<Width, number>> = { 4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18 };
/** BPF_MEM; BPF_IMM is 0 */
const memory = 0x60;
/** BPF_ATOMIC, with BPF_ADD for an immediate, which is 0 */
const atomic = 0xc0;
/** BPF_X; BPF_K is 0 */
const fromRegister = 0x08;
/** BPF_ADD, BPF_OR, BPF_AND, BPF_MOV */
const operations = { '+=': 0x00, '|=': 0x40, '&=': 0x50, '=': 0xb0 } as const;
/** BPF_JEQ, BPF_JNE */
const comparisons = { '==': 0x10, '!=': 0x50 } as const;
/** BPF_JA, BPF_CALL, BPF_EXIT */
const always = 0x00;
const call = 0x80;
const exit = 0x90;
/** BPF_PSEUDO_MAP_FD: the immediate is a descriptor, the kernel puts the map's address there. */
const mapDescriptor = 1;

/** Functions of the kernel that a program may call: their places in ___BPF_FUNC_MAPPER. */
export const helpers = {
  map_lookup_elem: 1,
  sk_storage_get: 107,
  get_netns_cookie: 122,
  skc_to_tcp6_sock: 136,
} as const;

export type Helper = keyof typeof helpers;
export type Operation = keyof typeof operations;
export type Comparison = keyof typeof comparisons;

export type Instruction =
  | { readonly kind: 'arithmetic'; readonly to: Register; readonly operation: Operation; readonly from: Operand }
  | { readonly kind: 'constant'; readonly to: Register64; readonly value: bigint }
  | { readonly kind: 'map'; readonly to: Register64; readonly map: string }
  | { readonly kind: 'load'; readonly to: Register; readonly base: Register64; readonly field: Field }
  | { readonly kind: 'store'; readonly base: Register64; readonly field: Field; readonly from: Operand }
  /** Adds in one piece, whoever else does so at the same time. */
  | { readonly kind: 'add'; readonly base: Register64; readonly field: Field; readonly from: Register64 }
  | { readonly kind: 'goto'; readonly label: string; readonly if?: Condition }
  | { readonly kind: 'call'; readonly helper: Helper }
  | { readonly kind: 'exit' };

export interface Condition {
  readonly left: Register;
  readonly comparison: Comparison;
  readonly right: Operand;
}

/** What an instruction needs to know of what is around it. */
export interface EncodeContext {
  /** How many instructions further the label is. */
  readonly distance: (label: string) => number;
  readonly descriptor: (map: string) => number;
}

/** How many places of eight bytes it takes. */
export function length({ kind }: Instruction): number {
  return kind === 'constant' || kind === 'map' ? 2 : 1;
}

export function encode(instruction: Instruction, around: EncodeContext): Buffer {
  switch (instruction.kind) {
    case 'arithmetic': {
      const { to, operation, from } = instruction;
      return operated((isHalf(to) ? classes.half : classes.whole) | operations[operation], to, from, 0);
    }
    case 'constant':
      return wide(instruction.to, 0, instruction.value);
    case 'map':
      return wide(instruction.to, mapDescriptor, BigInt(around.descriptor(instruction.map)));
    case 'load': {
      const { to, base, field } = instruction;
      return place(classes.load | memory | widths[field.width], number(to), number(base), field.offset, 0);
    }
    case 'store': {
      const { base, field, from } = instruction;
      const code = (typeof from === 'number' ? classes.storeNumber : classes.store) | memory | widths[field.width];
      return place(code, number(base), registerOf(from), field.offset, numberOf(from));
    }
    case 'add': {
      const { base, field, from } = instruction;
      return place(classes.store | atomic | widths[field.width], number(base), number(from), field.offset, 0);
    }
    case 'goto':
      return jump(instruction.if, around.distance(instruction.label));
    case 'call':
      return place(classes.jump | call, 0, 0, 0, helpers[instruction.helper]);
    case 'exit':
      return place(classes.jump | exit, 0, 0, 0, 0);
  }
}

function jump(condition: Condition | undefined, distance: number): Buffer {
  if (condition === undefined) return place(classes.jump | always, 0, 0, distance, 0);
  const { left, comparison, right } = condition;
  const code = (isHalf(left) ? classes.jumpHalf : classes.jump) | comparisons[comparison];
  return operated(code, left, right, distance);
}

function operated(code: number, to: Register, from: Operand, offset: number): Buffer {
  const isNumber = typeof from === 'number';
  return place(isNumber ? code : code | fromRegister, number(to), registerOf(from), offset, numberOf(from));
}

function wide(to: Register, from: number, value: bigint): Buffer {
  const [low, high] = [Number(value & 0xffffffffn), Number(value >> 32n)];
  const first = place(classes.constant | widths[8], number(to), from, 0, low);
  return Buffer.concat([first, place(0, 0, 0, 0, high)]);
}

/** struct bpf_insn */
function place(code: number, to: number, from: number, offset: number, immediate: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(code, 0);
  bytes.writeUInt8((from << 4) | to, 1);
  bytes.writeInt16LE(offset, 2);
  bytes.writeInt32LE(immediate | 0, 4);
  return bytes;
}

function isHalf(register: Register): register is Register32 {
  return register.startsWith('w');
}

function number(register: Register): number {
  return Number(register.slice(1));
}

function registerOf(operand: Operand): number {
  return typeof operand === 'number' ? 0 : number(operand);
}

function numberOf(operand: Operand): number {
  return typeof operand === 'number' ? operand : 0;
}
