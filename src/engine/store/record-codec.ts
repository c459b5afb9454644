/** A record as it stands in its file: JSON, with the number of its schema, and of the shape that shape.ts knows. */
import { basename } from 'node:path';
import { decode, encode } from '../../plan/encoding.ts';
import { GangwayError } from '../../values/errors.ts';
import type { ContainerRecord, MachineRecord, NetworkRecord } from './record.ts';
import { isContainerRecord, isMachineRecord, isNetworkRecord } from './record-schema.ts';

const schema = 1;

const shapes = { containers: isContainerRecord, networks: isNetworkRecord, machine: isMachineRecord };
export type RecordKind = keyof typeof shapes;

export function formatRecord(record: ContainerRecord | NetworkRecord | MachineRecord): string {
  return encode({ schema, ...record });
}

/** @returns the record, or what is wrong with it */
export function parseRecord(kind: RecordKind, path: string, text: string): unknown {
  const damaged = (cause?: unknown) =>
    new GangwayError('record-unreadable', `record ${path} is damaged`, {
      hint: '`gangway gc` removes it, and what it left',
      cause,
    });
  let record: { readonly schema?: unknown; readonly id?: unknown } | null;
  try {
    record = decode(text) as typeof record;
  } catch (cause) {
    return damaged(cause);
  }
  if (typeof record?.schema !== 'number' || record.schema < schema) return damaged();
  if (record.schema > schema)
    return new GangwayError('not-supported', `record ${path} was written by a newer gangway`, {
      hint: 'use that version',
    });
  // A file under another's name would be two records of one container.
  const isOwn = kind === 'machine' || basename(path, '.json') === record.id;
  return isOwn && shapes[kind](record) ? record : damaged();
}
