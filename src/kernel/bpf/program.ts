/**
 * Programs for the kernel's own little machine: a list of lines, to be read as text and to be run as bytes.
 *
 *     const program = [
 *       remark('for TCP alone'),                          ; for TCP alone
 *       load('w1', 'r1', socketAddress.protocol),         w1 = bpf_sock_addr.protocol (r1)
 *       gotoIf('w1', '!=', 6, 'leave'),                   if w1 != 6 goto leave
 *       …
 *       label('leave'),                                   leave:
 *       set('r0', 1),                                     r0 = 1
 *       exit,                                             exit
 *     ];
 *
 * The kernel proves of every program that it ends, and that it reads and writes nothing but what it may; what it refuses
 * it explains line by line (sys/bpf.ts). So nothing is checked here but the labels.
 */
import {
  type Comparison,
  encode,
  type Helper,
  type Instruction,
  length,
  type Operand,
  type Register,
  type Register64,
} from './instruction.ts';
import type { Field } from './layout.ts';

export type Line =
  | Instruction
  | { readonly kind: 'label'; readonly name: string }
  /** A sentence for who reads the listing. */
  | { readonly kind: 'remark'; readonly text: string };

export type Program = readonly Line[];

export const remark = (text: string): Line => ({ kind: 'remark', text });
export const label = (name: string): Line => ({ kind: 'label', name });
export const set = (to: Register, from: Operand): Line => ({ kind: 'arithmetic', to, operation: '=', from });
export const and = (to: Register, from: Operand): Line => ({ kind: 'arithmetic', to, operation: '&=', from });
export const or = (to: Register, from: Operand): Line => ({ kind: 'arithmetic', to, operation: '|=', from });
export const load = (to: Register, base: Register64, field: Field): Line => ({ kind: 'load', to, base, field });
export const store = (base: Register64, field: Field, from: Operand): Line => ({ kind: 'store', base, field, from });
export const add = (base: Register64, field: Field, from: Register64): Line => ({ kind: 'add', base, field, from });
export const goto = (label: string): Line => ({ kind: 'goto', label });
export const gotoIf = (left: Register, comparison: Comparison, right: Operand, label: string): Line => ({
  kind: 'goto',
  label,
  if: { left, comparison, right },
});
/** A number of 64 bits. */
export const constant = (to: Register64, value: bigint): Line => ({ kind: 'constant', to, value });
/** A map, as the functions of the kernel take it. */
export const mapAddress = (to: Register64, map: string): Line => ({ kind: 'map', to, map });
export const call = (helper: Helper): Line => ({ kind: 'call', helper });
export const exit: Line = { kind: 'exit' };

/** Where a struct on the stack begins. */
export const stackAddress = (to: Register64, { offset }: Field): readonly Line[] => [
  set(to, 'r10'),
  { kind: 'arithmetic', to, operation: '+=', from: offset },
];

/**
 * The program as the kernel takes it.
 *
 * @param maps the descriptor of each map by its name
 * @throws Error for a label or a map that is not there, or a label that is there twice
 */
export function assemble(program: Program, maps: ReadonlyMap<string, number>): Buffer {
  const labels = placesOf(program);
  const pieces: Buffer[] = [];
  let place = 0;
  for (const line of program) {
    if (line.kind === 'label' || line.kind === 'remark') continue;
    const next = place + length(line);
    pieces.push(
      encode(line, {
        distance: (name) => found(labels, name) - next,
        descriptor: (name) => found(maps, name),
      }),
    );
    place = next;
  }
  return Buffer.concat(pieces);
}

function placesOf(program: Program): ReadonlyMap<string, number> {
  const labels = new Map<string, number>();
  let place = 0;
  for (const line of program) {
    if (line.kind === 'remark') continue;
    if (line.kind !== 'label') {
      place += length(line);
      continue;
    }
    if (labels.has(line.name)) throw new Error(`label ${line.name} is there twice`);
    labels.set(line.name, place);
  }
  return labels;
}

function found(places: ReadonlyMap<string, number>, name: string): number {
  const place = places.get(name);
  if (place === undefined) throw new Error(`no ${name} in this program`);
  return place;
}

/** The program as one reads it, a line each. */
export function listing(program: Program): string {
  return program.map((line) => `${textOf(line)}\n`).join('');
}

function textOf(line: Line): string {
  if (line.kind === 'label') return `${line.name}:`;
  return line.kind === 'remark' ? `\n  ; ${line.text}` : `    ${instructionText(line)}`;
}

function instructionText(line: Instruction): string {
  switch (line.kind) {
    case 'arithmetic':
      return `${line.to} ${line.operation} ${operandText(line.from)}`;
    case 'constant':
      return `${line.to} = 0x${line.value.toString(16)}`;
    case 'map':
      return `${line.to} = map ${line.map}`;
    case 'load':
      return `${line.to} = ${placeText(line.base, line.field)}`;
    case 'store':
      return `${placeText(line.base, line.field)} = ${operandText(line.from)}`;
    case 'add':
      return `lock ${placeText(line.base, line.field)} += ${line.from}`;
    case 'goto': {
      if (line.if === undefined) return `goto ${line.label}`;
      const { left, comparison, right } = line.if;
      return `if ${left} ${comparison} ${operandText(right)} goto ${line.label}`;
    }
    case 'call':
      return `call ${line.helper}`;
    case 'exit':
      return 'exit';
  }
}

/** `r6 -> bpf_sock_addr.user_port`; of the stack, whose end r10 is, the name says enough. */
function placeText(base: Register64, { name }: Field): string {
  return base === 'r10' ? name : `${base} -> ${name}`;
}

function operandText(operand: Operand): string {
  if (typeof operand === 'string') return operand;
  return operand > 0xffff ? `0x${operand.toString(16).padStart(8, '0')}` : String(operand);
}
