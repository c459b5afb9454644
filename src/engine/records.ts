/**
 * The records: what gangway knows, one JSON file an object.
 *
 *     /var/lib/gangway/containers/ID.json    what was asked for; how it ended; while it lives, the steps that made it
 *     /var/lib/gangway/networks/ID.json      the same for a network
 *     /run/gangway/machine.json              what all of them share: the ruleset, forwarding
 *
 * A record holds the very steps that made its object, so that what is taken away is what was made. Files are renamed
 * into place: a reader sees the old record or the new one and needs no lock. Whoever changes one holds the lock.
 */
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { bootId } from '../kernel/boot.ts';
import type { Endpoint } from '../networks/bridge.ts';
import type { Network } from '../networks/network.ts';
import type { RecordChange } from '../plan/change.ts';
import { decode, encode } from '../plan/encoding.ts';
import type { ElementStep, RouteStep, Step } from '../plan/step.ts';
import type { Address } from '../values/address.ts';
import type { ContainerRequest } from '../values/container.ts';
import { GangwayError, ignoring } from '../values/errors.ts';
import type { Launch } from '../values/launch.ts';
import type { ConnectionRequest, NetworkMode, NetworkRequest } from '../values/network.ts';
import type { Forward, PortBinding } from '../values/port.ts';
import type { ResolverSettings } from '../values/resolver.ts';
import type { Directories } from './directories.ts';
import { namesIn } from './disk.ts';

const schema = 1;

export interface ContainerRecord {
  readonly id: string;
  readonly name: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly hostname: string;
  readonly request: ContainerRequest;
  /** Where its network stack comes from: as it was asked for, and as `network connect` and `disconnect` have changed it. */
  readonly network: NetworkMode;
  /** Somebody stopped it: the restart policy has no say. */
  readonly stopped: boolean;
  readonly restarts: number;
  /** Why the restart policy could not start it again. */
  readonly failure?: string;
  readonly lastEnd?: End;
  /** What was made with the container itself: its directory, its unpacked archive. */
  readonly steps: readonly Step[];
  /** While it runs, and until what it left has been taken away. */
  readonly life?: Life;
}

export interface End {
  /** `unknown` where the container's monitor was killed, or the machine. */
  readonly exitCode: number | 'unknown';
  readonly outOfMemory: boolean;
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** One run of a container: everything that exists for it now, and how to take it away. */
export interface Life {
  /** The boot in which it began. In another one the kernel has forgotten all of it. */
  readonly boot: string;
  readonly startedAt: string;
  readonly launch: Launch;
  /** The pin of its network namespace; that of another container where it has joined one. */
  readonly namespace?: string;
  /** The container whose stack it has joined. */
  readonly joined?: string;
  /** The namespace itself. */
  readonly sandbox: readonly Step[];
  /** Since it is, or was, in a user-defined network: it has a name server at 127.0.0.11. */
  readonly names?: Names;
  /** In the order in which they were plugged in. */
  readonly plugs: readonly Plug[];
  /** The default routes, at most one a family. */
  readonly routes: readonly RouteStep[];
  readonly forwards: readonly Forward[];
  readonly published: readonly ElementStep[];
  /** Its files, and its process. */
  readonly rest: readonly Step[];
}

/** What a container's name server needs besides the networks. */
export interface Names {
  /** What leads questions to it. */
  readonly steps: readonly Step[];
  /** Whom it asks itself, as it stands in the container's resolv.conf. */
  readonly resolver: ResolverSettings;
}

/** A container's connection to a network, while it lives. */
export interface Plug {
  readonly networkId: string;
  readonly request: ConnectionRequest;
  readonly endpoint: Endpoint;
  readonly steps: readonly Step[];
}

/** All that was done for a life, in order. */
export function stepsOf({ sandbox, names, plugs, routes, published, rest }: Life): readonly Step[] {
  return [
    ...sandbox,
    ...(names?.steps ?? []),
    ...plugs.flatMap(({ steps }) => steps),
    ...routes,
    ...published,
    ...rest,
  ];
}

/** Does somebody have to stay for this container, in this boot: for its published ports, or its name server? */
export function isServed({ life }: ContainerRecord, boot: string): boolean {
  return life?.boot === boot && (life.forwards.length > 0 || life.names !== undefined);
}

export function bindingsOf(life: Life | undefined): readonly PortBinding[] {
  return (life?.forwards ?? []).map(({ binding }) => binding);
}

export interface NetworkRecord {
  readonly id: string;
  readonly createdAt: string;
  /** Absent for the default bridge, which nobody asked for. */
  readonly request?: NetworkRequest;
  readonly network: Network;
  readonly made?: { readonly boot: string; readonly steps: readonly Step[] };
}

/** What containers share. Volatile: it stands in /run, with the boot in which it is true. */
export interface MachineRecord {
  readonly boot: string;
  readonly ruleset: readonly Step[];
  readonly forwarding: readonly Step[];
  /** Of each network and family, `ID/4`, the address given out last: the next one is looked for behind it. */
  readonly cursors?: Readonly<Record<string, Address>>;
}

export class Records {
  readonly directories: Directories;
  readonly #onWarning: (sentence: string) => void;
  /** One command reads the records many times, and says once what is wrong with them. */
  readonly #told = new Set<string>();
  /** A record is never changed in place: its file is replaced by another one. */
  readonly #known = new Map<string, { readonly version: string; readonly record: unknown }>();

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
      makeDirectory(path);
    }
  }

  containers(): readonly ContainerRecord[] {
    // ISO 8601 sorts as text; localeCompare would load a collator, 9 ms.
    return this.#all<ContainerRecord>('containers').toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  }

  networks(): readonly NetworkRecord[] {
    return this.#all<NetworkRecord>('networks');
  }

  /**
   * All containers, for who gives a name, an address or a port away: one that can't be read may hold that very thing.
   *
   * @throws GangwayError record-unreadable, not-supported for a record of a newer gangway
   */
  everyContainer(): readonly ContainerRecord[] {
    return this.#every<ContainerRecord>('containers');
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
    const all = this.containers();
    const exact = all.find(({ id, name }) => id === reference || name === reference);
    const begun = reference === '' ? [] : all.filter(({ id }) => id.startsWith(reference));
    const [first, ...more] = exact === undefined ? begun : [exact];
    if (more.length > 0) {
      throw new GangwayError(
        'container-not-found',
        `container ${reference} is ambiguous: ${more.length + 1} ids begin so`,
        { hint: 'write more of the id' },
      );
    }
    if (first === undefined) {
      throw new GangwayError('container-not-found', `no such container: ${reference || '""'}`, {
        hint: '`gangway ps -a` lists all of them',
      });
    }
    return first;
  }

  machine(): MachineRecord {
    const fresh = { boot: bootId(), ruleset: [], forwarding: [] };
    const found = this.#look(this.#machinePath);
    if (found instanceof GangwayError) throw found;
    const known = found as MachineRecord | undefined;
    return known?.boot === fresh.boot ? known : fresh;
  }

  put(kind: 'containers' | 'networks', record: ContainerRecord | NetworkRecord): RecordChange {
    const path = this.path(kind, record.id);
    return { path, content: encode({ schema, ...record }), durable: kind === 'networks' };
  }

  drop(kind: 'containers' | 'networks', id: string): RecordChange {
    return { path: this.path(kind, id), content: null };
  }

  putMachine(record: MachineRecord): RecordChange {
    const empty = record.ruleset.length === 0 && record.forwarding.length === 0;
    return { path: this.#machinePath, content: empty ? null : encode({ schema, ...record }) };
  }

  path(kind: 'containers' | 'networks', id: string): string {
    return `${this.directories.state}/${kind}/${id}.json`;
  }

  /** Files that are no records: torn by a power cut, or not ours. */
  torn(): readonly string[] {
    return [...this.#paths('containers'), ...this.#paths('networks'), this.#machinePath].filter((path) => {
      const found = this.#look(path);
      return found instanceof GangwayError && found.code === 'record-unreadable';
    });
  }

  get #machinePath(): string {
    return `${this.directories.runtime}/machine.json`;
  }

  #every<T>(kind: 'containers' | 'networks'): readonly T[] {
    return this.#paths(kind).flatMap((path) => {
      const found = this.#look(path);
      if (found instanceof GangwayError) throw found;
      return found === undefined ? [] : [found as T];
    });
  }

  #all<T>(kind: 'containers' | 'networks'): readonly T[] {
    const paths = this.#paths(kind);
    this.#forget(kind, paths);
    return paths.flatMap((path) => {
      const found = this.#look(path);
      if (!(found instanceof GangwayError)) return found === undefined ? [] : [found as T];
      if (!this.#told.has(path)) this.#onWarning(`${found.message}; ${found.hint}`);
      this.#told.add(path);
      return [];
    });
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
    return namesIn(directory, this.directories)
      .filter((name) => name.endsWith('.json'))
      .map((name) => `${directory}/${name}`);
  }

  /** The record in a file, undefined where there is none, or what is wrong with it. A file that is the same is not read again. */
  #look(path: string): unknown {
    const found = ignoring('ENOENT', () => statSync(path));
    if (found === undefined) return undefined;
    const version = `${found.ino} ${found.mtimeMs} ${found.size}`;
    const known = this.#known.get(path);
    if (known?.version === version) return known.record;
    const text = ignoring('ENOENT', () => readFileSync(path, 'utf8'));
    if (text === undefined) return undefined;
    const record = read(path, text);
    this.#known.set(path, { version, record });
    return record;
  }
}

/** Node's own `recursive` never ends where the kernel denies that the parent exists, as below /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeDirectory(dirname(path));
  ignoring('EEXIST', () => mkdirSync(path, { mode: 0o711 }));
}

function read(path: string, text: string): unknown {
  const damaged = (cause?: unknown) =>
    new GangwayError('record-unreadable', `record ${path} is damaged`, {
      hint: '`gangway gc` removes it, and what it left',
      cause,
    });
  let record: { readonly schema?: unknown; readonly id?: unknown; readonly boot?: unknown } | null;
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
  return basename(path, '.json') === (record.id ?? 'machine') ? record : damaged();
}
