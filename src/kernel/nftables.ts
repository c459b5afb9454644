/**
 * Elements of nf_tables' sets and maps, added and removed in one atomic batch.
 *
 * A ruleset that never changes is loaded once by nft(8). What does change are elements, and for those a process per
 * change would cost ten milliseconds where the kernel needs ten microseconds. So they are written here as nft(8) would
 * write them; an interval has a second key for its end.
 *
 * @see NFTA_SET_ELEM_* in linux/netfilter/nf_tables.h, nft(8)
 */
import { attributes, list, struct } from '../netlink/attributes.ts';
import { binary, cstring, u8, u16be, u32be, u64be } from '../netlink/codec.ts';
import type { Connection } from '../netlink/connection.ts';
import { flags, type Request, request } from '../netlink/message.ts';
import type { Counted } from '../values/counted.ts';
import { hasErrno, ignoring } from '../values/errors.ts';
import { type Datum, formatSetElement, type SetElement } from '../values/set-element.ts';
import { firstKey, lastKey, readKey, type SetParts } from './set-key.ts';

const NFNL_SUBSYS_NFTABLES = 10;
export const NFPROTO_IPV4 = 2;
/** NFPROTO_*, linux/netfilter.h. */
const families = { inet: 1, ip: NFPROTO_IPV4, bridge: 7 } as const;
/** The verdict -4, linux/netfilter/nf_tables.h. */
const NFT_GOTO = 0xfffffffc;

/** `table inet NAME`: each family has tables of its own. */
export interface Table {
  readonly family: keyof typeof families;
  readonly name: string;
}

export const nfgenmsg = struct({ family: [1, u8], version: [1, u8], resource: [2, u16be] });

const verdict = attributes({ code: [1, u32be], chain: [2, cstring] });
const data = attributes({ value: [1, binary], verdict: [2, verdict] });
/** NFTA_COUNTER_* */
const counter = attributes({ bytes: [1, u64be], packets: [2, u64be] });
const expression = attributes({ name: [1, cstring], data: [2, counter] });
const element = attributes({
  key: [1, data],
  data: [2, data],
  flags: [3, u32be],
  timeoutMilliseconds: [4, u64be],
  expression: [7, expression],
  keyEnd: [10, data],
});
const elementList = attributes({ table: [1, cstring], set: [2, cstring], elements: [3, list(1, element)] });
const ruleAttributes = attributes({ table: [1, cstring], chain: [2, cstring] });
export const tableAttributes = attributes({ name: [1, cstring] });

export const nft = (message: number) => (NFNL_SUBSYS_NFTABLES << 8) | message;
const NFT_MSG_NEWTABLE = { name: 'NFT_MSG_NEWTABLE', type: nft(0), header: nfgenmsg, attributes: tableAttributes };
const NFT_MSG_GETTABLE = { name: 'NFT_MSG_GETTABLE', type: nft(1), header: nfgenmsg, attributes: tableAttributes };
const NFT_MSG_DELTABLE = { name: 'NFT_MSG_DELTABLE', type: nft(2), header: nfgenmsg, attributes: tableAttributes };
const NFT_MSG_NEWRULE = { name: 'NFT_MSG_NEWRULE', type: nft(6), header: nfgenmsg, attributes: ruleAttributes };
const NFT_MSG_GETRULE = { name: 'NFT_MSG_GETRULE', type: nft(7), header: nfgenmsg, attributes: ruleAttributes };
const NFT_MSG_NEWSETELEM = { name: 'NFT_MSG_NEWSETELEM', type: nft(12), header: nfgenmsg, attributes: elementList };
const NFT_MSG_GETSETELEM = { name: 'NFT_MSG_GETSETELEM', type: nft(13), header: nfgenmsg, attributes: elementList };
const NFT_MSG_DELSETELEM = { name: 'NFT_MSG_DELSETELEM', type: nft(14), header: nfgenmsg, attributes: elementList };
const NFNL_MSG_BATCH_BEGIN = { name: 'NFNL_MSG_BATCH_BEGIN', type: 0x10, header: nfgenmsg, attributes: attributes({}) };
const NFNL_MSG_BATCH_END = { name: 'NFNL_MSG_BATCH_END', type: 0x11, header: nfgenmsg, attributes: attributes({}) };

/**
 * Takes elements out of sets of a table and puts others in, all or none: the kernel goes over from the old to the
 * new between two packets.
 *
 * @throws KernelError EEXIST where a key is taken, ENOENT where an element or the set is missing
 */
export function changeElements(
  connection: Connection,
  table: Table,
  { remove, add }: { readonly remove: readonly SetElement[]; readonly add: readonly SetElement[] },
): void {
  transact(connection, [
    ...remove.map((item) => elementRequest('delete', table, item)),
    ...add.map((item) => elementRequest('add', table, item)),
  ]);
}

/** Is the element there, with this very value? */
export function hasElement(connection: Connection, table: Table, item: SetElement): boolean {
  const question = request(
    `get element of ${item.set}`,
    NFT_MSG_GETSETELEM,
    0,
    familyOf(table),
    elementBody(table, { set: item.set, key: item.key }),
  );
  try {
    const { attributes: found } = connection.ask(question, NFT_MSG_NEWSETELEM);
    return sameValue(found.elements?.[0]?.data, elementBody(table, item).elements[0]?.data);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** An element in the kernel, with what it counts if its set counts. */
export interface ListedElement {
  readonly element: SetElement;
  readonly counted?: Counted;
}

/**
 * The elements of a set, `nft list set TABLE SET`. What none of ours can be is left out.
 *
 * @returns nothing where there is no such set
 */
export function listElements(
  connection: Connection,
  table: Table,
  set: string,
  parts: SetParts,
): readonly ListedElement[] {
  const question = request(`list set ${set}`, NFT_MSG_GETSETELEM, 0, familyOf(table), {
    table: table.name,
    set,
  });
  const found = ignoring('ENOENT', () => connection.dump(question, NFT_MSG_NEWSETELEM)) ?? [];
  return found
    .flatMap(({ attributes: { elements = [] } }) => elements)
    .flatMap(({ key: { value: bytes } = {}, keyEnd, data: found, expression: counts }) => {
      const key = bytes === undefined ? undefined : readKey(parts.key, bytes, keyEnd?.value);
      if (key === undefined) return [];
      const value = found === undefined ? undefined : readValue(parts, found);
      const { packets, bytes: size } = counts?.name === 'counter' ? (counts.data ?? {}) : {};
      return [
        {
          element: { set, key, ...(value === undefined ? {} : { value }) },
          ...(packets === undefined || size === undefined ? {} : { counted: { packets, bytes: size } }),
        },
      ];
    });
}

function readValue(parts: SetParts, { value, verdict: found }: ElementData): readonly Datum[] | undefined {
  if (found?.chain !== undefined) return [{ type: 'goto', chain: found.chain }];
  return value === undefined || parts.value === undefined ? undefined : readKey(parts.value, value);
}

/** `nft list table TABLE`. */
export function hasTable(connection: Connection, table: Table): boolean {
  const { name } = table;
  try {
    connection.ask(request(`get table ${name}`, NFT_MSG_GETTABLE, 0, familyOf(table), { name }), NFT_MSG_GETTABLE);
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** `nft list tables`, of the families in which we have some. @returns nothing where the kernel has no nf_tables */
export function listTables(connection: Connection): readonly Table[] {
  const question = request('list tables', NFT_MSG_GETTABLE, 0, {}, {});
  const all = ignoring(['EINVAL', 'EOPNOTSUPP'], () => connection.dump(question, NFT_MSG_NEWTABLE)) ?? [];
  return all.flatMap(({ header, attributes: { name } }) => {
    const family = (['inet', 'ip', 'bridge'] as const).find((each) => families[each] === header.family);
    return family === undefined || name === undefined ? [] : [{ family, name }];
  });
}

/** How many rules each chain of a table has, chains without rules left out. */
export function countRules(connection: Connection, table: Table): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const question = request(`list rules of ${table.name}`, NFT_MSG_GETRULE, 0, familyOf(table), { table: table.name });
  for (const { attributes: found } of ignoring('ENOENT', () => connection.dump(question, NFT_MSG_NEWRULE)) ?? []) {
    if (found.table !== table.name || found.chain === undefined) continue;
    counts.set(found.chain, (counts.get(found.chain) ?? 0) + 1);
  }
  return counts;
}

/** `nft delete table TABLE`, with everything in it. @throws KernelError ENOENT */
export function deleteTable(connection: Connection, table: Table): void {
  const { name } = table;
  transact(connection, [request(`delete table ${name}`, NFT_MSG_DELTABLE, 0, familyOf(table), { name })]);
}

/** Sends requests between the brackets that make them one change. */
export function transact(connection: Connection, requests: readonly Request[]): void {
  const bracket = { resource: NFNL_SUBSYS_NFTABLES };
  connection.transact(
    request('begin batch', NFNL_MSG_BATCH_BEGIN, 0, bracket, {}),
    requests,
    request('end batch', NFNL_MSG_BATCH_END, 0, bracket, {}),
  );
}

/** As the header of a message about the table has it. */
function familyOf({ family }: Table): { readonly family: number } {
  return { family: families[family] };
}

function elementRequest(verb: 'add' | 'delete', table: Table, item: SetElement): Request {
  const kind = verb === 'add' ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM;
  const bits = verb === 'add' ? flags.create | flags.exclusive : 0;
  return request(
    `${verb} element ${item.set} { ${formatSetElement(item)} }`,
    kind,
    bits,
    familyOf(table),
    elementBody(table, item),
  );
}

function elementBody(table: Table, { set, key, value, timeoutSeconds }: SetElement) {
  const interval = key.some(({ type }) => type === 'prefix' || type === 'ports');
  const body = {
    key: { value: firstKey(key) },
    ...(interval ? { keyEnd: { value: lastKey(key) } } : {}),
    ...(value === undefined ? {} : { data: elementData(value) }),
    ...(timeoutSeconds === undefined ? {} : { timeoutMilliseconds: BigInt(timeoutSeconds) * 1000n }),
  };
  return { table: table.name, set, elements: [body] };
}

interface ElementData {
  readonly value?: Uint8Array;
  readonly verdict?: { readonly code?: number; readonly chain?: string };
}

function elementData(value: readonly Datum[]): ElementData {
  const [only] = value;
  if (only?.type === 'goto') return { verdict: { code: NFT_GOTO, chain: only.chain } };
  return { value: firstKey(value) };
}

function sameValue(found: ElementData | undefined, wanted: ElementData | undefined): boolean {
  if (wanted === undefined) return true;
  if (wanted.value !== undefined) return found?.value !== undefined && Buffer.compare(found.value, wanted.value) === 0;
  return found?.verdict?.code === wanted.verdict?.code && found?.verdict?.chain === wanted.verdict?.chain;
}
