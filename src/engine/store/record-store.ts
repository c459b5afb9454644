/**
 * The records: what gangway knows, one JSON file an object.
 *
 *     /var/lib/gangway/containers/ID.json    what was asked for; how it ended; while it lives, the steps that made it
 *     /var/lib/gangway/networks/ID.json      the same for a network
 *     /run/gangway/machine.json              what all of them share: the ruleset, forwarding
 *
 * What stands in one is for record.ts, and how for record-text.ts. Files are renamed into place: a reader sees the old record or
 * the new one and needs no lock. Whoever changes one holds the lock.
 */
import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { bootId } from '../../kernel/boot.ts';
import { makeDirectory } from '../../kernel/directory.ts';
import type { RecordChange } from '../../plan/change.ts';
import { GangwayError, ignoring } from '../../values/errors.ts';
import { order } from '../../values/order.ts';
import type { Directories } from './directories.ts';
import { namesIn } from './directories.ts';
import { type ContainerRecord, type MachineRecord, matchReferences, type NetworkRecord } from './record.ts';
import { formatRecord, parseRecord, type RecordKind } from './record-codec.ts';

export class Records {
  readonly directories: Directories;
  readonly #onWarning: (sentence: string) => void;
  /** One command reads the records many times, and says once what is wrong with them. */
  readonly #told = new Set<string>();
  /** A record is never changed in place: its file is replaced by another one. */
  readonly #known = new Map<string, { readonly version: string; readonly record: unknown }>();
  /** In a dry run: what files would hold by now; null for one that would be gone. */
  readonly #assumed = new Map<string, string | null>();
  #assuming = false;

  constructor(directories: Directories, onWarning: (sentence: string) => void) {
    this.directories = directories;
    this.#onWarning = onWarning;
  }

  /** Makes the directories. @throws Error of mkdir(2), which `diskError` puts into words */
  prepare(): void {
    for (const path of [
      `${this.directories.state}/containers`,
      `${this.directories.state}/networks`,
      `${this.directories.runtime}/containers`,
    ]) {
      makeDirectory(path, 0o711);
    }
  }

  containers(): readonly ContainerRecord[] {
    // ISO 8601 sorts as text; localeCompare would load a collator, 9 ms.
    return this.#all<ContainerRecord>('containers').toSorted((a, b) => order(a.createdAt, b.createdAt));
  }

  networks(): readonly NetworkRecord[] {
    return this.#all<NetworkRecord>('networks');
  }

  /**
   * All containers, for who gives a name away: one that can't be read may have that very name.
   *
   * @throws GangwayError record-unreadable, not-supported for a record of a newer gangway
   */
  everyContainer(): readonly ContainerRecord[] {
    return this.#every<ContainerRecord>('containers');
  }

  /**
   * All containers that may run, for who gives an address or a port away: one that can't be read may hold that very thing.
   * Who runs has a directory below /run; where a power cut has torn a record, the next boot finds none there.
   *
   * @throws GangwayError record-unreadable, not-supported
   */
  everyHolder(): readonly ContainerRecord[] {
    const mayRun = (path: string, { code }: GangwayError) =>
      code !== 'record-unreadable' || existsSync(`${this.directories.runtime}/containers/${basename(path, '.json')}`);
    return this.#every<ContainerRecord>('containers', mayRun);
  }

  /** All networks, likewise. @throws GangwayError record-unreadable, not-supported */
  everyNetwork(): readonly NetworkRecord[] {
    return this.#every<NetworkRecord>('networks');
  }

  /**
   * A container by its name, its id, or the beginning of its id.
   *
   * @throws GangwayError container-not-found
   */
  container(reference: string): ContainerRecord {
    const [first, ...more] = matchReferences(this.containers(), ({ name }) => name, reference);
    if (more.length > 0) {
      throw new GangwayError(
        'container-not-found',
        `container ${reference} is ambiguous: ${more.length + 1} ids begin so`,
        { hint: 'write more of the id' },
      );
    }
    if (first === undefined) throw containerNotFound(reference);
    return first;
  }

  /** @param id a whole one: of a container that may have been removed meanwhile */
  containerById(id: string): ContainerRecord | undefined {
    return this.#readable<ContainerRecord>('containers', this.path('containers', id));
  }

  /** The container that a change is about to write, or what one would be that it drops. Undefined where nobody has said so. */
  foreseen({ path, content, last }: RecordChange): ContainerRecord | undefined {
    const text = content ?? last;
    const found = text === undefined ? undefined : parseRecord('containers', path, text);
    return found instanceof GangwayError ? undefined : (found as ContainerRecord | undefined);
  }

  networkById(id: string | undefined): NetworkRecord | undefined {
    return id === undefined ? undefined : this.#readable<NetworkRecord>('networks', this.path('networks', id));
  }

  machine(): MachineRecord {
    const fresh = { boot: bootId(), ruleset: [], forwarding: [] };
    const found = this.#look('machine', this.#machinePath);
    if (found instanceof GangwayError) throw found;
    const known = found as MachineRecord | undefined;
    return known?.boot === fresh.boot ? known : fresh;
  }

  /** Is `machine` going to say something? A damaged record is for `gangway gc`. */
  get isMachineReadable(): boolean {
    return !(this.#look('machine', this.#machinePath) instanceof GangwayError);
  }

  put(kind: 'containers' | 'networks', record: ContainerRecord | NetworkRecord): RecordChange {
    const path = this.path(kind, record.id);
    return { path, content: formatRecord(record), durable: kind === 'networks' };
  }

  drop(kind: 'containers' | 'networks', id: string): RecordChange {
    return { path: this.path(kind, id), content: null };
  }

  /** @param last what it would be if it stayed, for who looks meanwhile */
  dropContainer(last: ContainerRecord): RecordChange {
    return { ...this.drop('containers', last.id), last: formatRecord(last) };
  }

  putMachine(record: MachineRecord): RecordChange {
    const { ruleset, guard = [], forwarding, wayBack = [], cursors = {} } = record;
    const said = [...ruleset, ...guard, ...forwarding, ...wayBack, ...Object.keys(cursors)];
    return { path: this.#machinePath, content: said.length === 0 ? null : formatRecord(record) };
  }

  /** From now on, what is read is what these changes would have made of it: the next plan of a dry run builds on this one. */
  assume(changes: readonly RecordChange[]): void {
    this.#assuming = true;
    for (const { path, content } of changes) this.#assumed.set(path, content);
  }

  get areAssumed(): boolean {
    return this.#assuming;
  }

  /** What is read is what there is. */
  assumeNothing(): void {
    this.#assuming = false;
    this.#assumed.clear();
  }

  path(kind: 'containers' | 'networks', id: string): string {
    return `${this.directories.state}/${kind}/${id}.json`;
  }

  /** Files that are no records: torn by a power cut, changed by hand, or not ours. */
  torn(): readonly string[] {
    return [
      ...this.#torn('containers', this.#paths('containers')),
      ...this.#torn('networks', this.#paths('networks')),
      ...this.#torn('machine', [this.#machinePath]),
    ];
  }

  /** Files that were to be records: a power cut came before they were renamed into place. The caller holds the lock. */
  unfinished(): readonly string[] {
    return (['containers', 'networks'] as const).flatMap((kind) => {
      const directory = dirname(this.path(kind, ''));
      const names = namesIn(directory, this.directories).filter((name) => name.endsWith('.json.new'));
      return names.map((name) => `${directory}/${name}`).filter((path) => lstatSync(path).isFile());
    });
  }

  /** The ids of networks of which a damaged record tells nothing else; a file of another name is nobody's. */
  lostNetworks(): readonly string[] {
    return this.#torn('networks', this.#paths('networks'))
      .map((path) => basename(path, '.json'))
      .filter((id) => /^[0-9a-f]{64}$/.test(id));
  }

  /** Containers whose record can't be read: nobody knows what they want. */
  unreadable(): ReadonlySet<string> {
    const paths = this.#paths('containers').filter((path) => this.#look('containers', path) instanceof GangwayError);
    return new Set(paths.map((path) => basename(path, '.json')));
  }

  get #machinePath(): string {
    return `${this.directories.runtime}/machine.json`;
  }

  #torn(kind: RecordKind, paths: readonly string[]): readonly string[] {
    return paths.filter((path) => {
      const found = this.#look(kind, path);
      return found instanceof GangwayError && found.code === 'record-unreadable';
    });
  }

  #every<T>(kind: 'containers' | 'networks', matters = (_path: string, _found: GangwayError) => true): readonly T[] {
    return this.#paths(kind).flatMap((path) => {
      const found = this.#look(kind, path);
      if (!(found instanceof GangwayError)) return found === undefined ? [] : [found as T];
      if (matters(path, found)) throw found;
      return [];
    });
  }

  #all<T>(kind: 'containers' | 'networks'): readonly T[] {
    const paths = this.#paths(kind);
    this.#forget(kind, paths);
    return paths.flatMap((path) => this.#readable<T>(kind, path) ?? []);
  }

  #readable<T>(kind: 'containers' | 'networks', path: string): T | undefined {
    const found = this.#look(kind, path);
    if (!(found instanceof GangwayError)) return found as T | undefined;
    if (!this.#told.has(path)) this.#onWarning(`${found.message}; ${found.hint}`);
    this.#told.add(path);
    return undefined;
  }

  /** Lets go of records that are no more: the switchboard lives longer than they do. */
  #forget(kind: 'containers' | 'networks', paths: readonly string[]): void {
    const there = new Set(paths);
    const directory = dirname(this.path(kind, ''));
    for (const path of this.#known.keys())
      if (dirname(path) === directory && !there.has(path)) this.#known.delete(path);
  }

  #paths(kind: 'containers' | 'networks'): readonly string[] {
    const directory = `${this.directories.state}/${kind}`;
    const found = namesIn(directory, this.directories)
      .filter((name) => name.endsWith('.json'))
      .map((name) => `${directory}/${name}`);
    const assumed = [...this.#assumed.keys()].filter((path) => dirname(path) === directory);
    return assumed.length === 0 ? found : [...new Set([...found, ...assumed])];
  }

  /** The record in a file, undefined where there is none, or what is wrong with it. A file that is the same is not read again. */
  #look(kind: RecordKind, path: string): unknown {
    const assumed = this.#assumed.get(path);
    if (assumed !== undefined) return assumed === null ? undefined : parseRecord(kind, path, assumed);
    const found = ignoring('ENOENT', () => statSync(path));
    // Who reads a pipe waits for a writer.
    if (found?.isFile() !== true) return undefined;
    const version = `${found.ino} ${found.mtimeMs} ${found.size}`;
    const known = this.#known.get(path);
    if (known?.version === version) return known.record;
    const text = ignoring('ENOENT', () => readFileSync(path, 'utf8'));
    if (text === undefined) return undefined;
    const record = parseRecord(kind, path, text);
    this.#known.set(path, { version, record });
    return record;
  }
}

export function containerNotFound(reference: string): GangwayError {
  return new GangwayError('container-not-found', `no such container: ${reference || '""'}`, {
    hint: '`gangway ps -a` lists all of them',
  });
}
