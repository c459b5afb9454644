/** `eq ne lt le gt ge`. */
import { TemplateFault } from './fault.ts';
import { describeValue } from './print.ts';
import type { Value } from './value.ts';

/** Basic values can be equal; nothing equals nothing only. @throws TemplateFault for lists and maps, and for values of two kinds */
export function areEqual(a: Value, b: Value): boolean {
  const left = basic(a);
  const right = basic(b);
  if (left === null || right === null) return left === right;
  requireSameKind(left, right);
  return left === right;
}

/** Numbers by size, texts by character. @throws TemplateFault */
export function isLess(a: Value, b: Value): boolean {
  const left = basic(a);
  const right = basic(b);
  if (left === null || right === null || typeof left === 'boolean') {
    throw new TemplateFault(
      `${describeValue(left)} and ${describeValue(right)} have no order`,
      'compare numbers or texts',
    );
  }
  requireSameKind(left, right);
  return left < right;
}

function basic(value: Value): null | boolean | number | string {
  if (value === undefined || value === null) return null;
  if (typeof value === 'object' || typeof value === 'function') {
    throw new TemplateFault(`${describeValue(value)} can't be compared`, 'compare numbers, texts, or its length: len');
  }
  return value;
}

function requireSameKind(a: boolean | number | string, b: boolean | number | string): void {
  if (typeof a === typeof b) return;
  throw new TemplateFault(
    `${describeValue(a)} and ${describeValue(b)} are of different kinds`,
    'put both between quotes, or neither',
  );
}
