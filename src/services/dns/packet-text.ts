/** Text of DNS messages for `gangway dns query`: encodes a query by type name, and formats the records of an answer. */
import { type Answer, decode, encode, RECURSION_DESIRED, type RecordType } from 'dns-packet';

/** Values of `--type`. */
export const queryTypes = [
  'A',
  'AAAA',
  'CAA',
  'CNAME',
  'DNSKEY',
  'DS',
  'MX',
  'NAPTR',
  'NS',
  'PTR',
  'SOA',
  'SRV',
  'TXT',
] as const satisfies readonly RecordType[];

export type QuestionType = (typeof queryTypes)[number];

/** Encodes a query as the C library does. */
export function encodeQuery(name: string, type: RecordType): Buffer {
  return encode({ type: 'query', id: 0, flags: RECURSION_DESIRED, questions: [{ type, name, class: 'IN' }] });
}

export interface AnswerText {
  /** `NOERROR`, `NXDOMAIN` … */
  readonly status: string;
  /** One line for each record, as in a zone file: `web 5 IN A 172.18.0.2`. */
  readonly records: readonly string[];
}

/** Formats an answer's status and records. @throws Error if a record's data does not fit its type */
export function formatAnswer(message: Buffer): AnswerText {
  const packet = decode(message) as ReturnType<typeof decode> & { readonly rcode?: string };
  return { status: packet.rcode ?? 'NOERROR', records: (packet.answers ?? []).map(formatRecord) };
}

function formatRecord(record: Answer): string {
  const { name, type } = record;
  const ttlSeconds = 'ttl' in record ? (record.ttl ?? 0) : 0;
  return `${name || '.'} ${ttlSeconds} IN ${type} ${formatData(record)}`;
}

/** Formats record data: text quoted, bytes in hexadecimal, structures as the list of their fields. */
function formatData(record: Answer): string {
  const data: unknown = 'data' in record ? record.data : undefined;
  const parts = Array.isArray(data) ? data : [data];
  return parts.map(record.type === 'TXT' ? quoted : plain).join(' ');
}

function quoted(text: unknown): string {
  return JSON.stringify(String(text));
}

function plain(value: unknown): string {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.values(value).map(plain).join(' ');
}
