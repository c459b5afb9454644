/** A machine that only writes down what is done to it, for plans that are applied and taken back without root. */
import { attributes, struct } from '../../src/netlink/attributes.ts';
import { cstring } from '../../src/netlink/codec.ts';
import type { Connection } from '../../src/netlink/connection.ts';
import { type RawMessage, readBody, request } from '../../src/netlink/message.ts';
import type { KernelHandles } from '../../src/plan/kernel-handles.ts';
import type { Kinds } from '../../src/plan/kind.ts';
import { kernelKinds } from '../../src/plan/kinds/index.ts';
import type { UpStep, VethStep } from '../../src/plan/link-step.ts';
import type { NamespaceRef } from '../../src/plan/namespace-ref.ts';
import type { ElementStep, FileStep, NamespaceStep, Step, SysctlStep } from '../../src/plan/step.ts';
import { KernelError } from '../../src/values/errors.ts';
import { parseMac } from '../../src/values/mac.ts';
import { acknowledgement, acknowledging, FakeKernel, message, refused } from './netlink.ts';

const named = { name: 'THING', type: 100, header: struct({}), attributes: attributes({ name: [1, cstring] }) };
/** NFT_MSG_NEWSETELEM, NFT_MSG_GETSETELEM, NFT_MSG_DELSETELEM. */
const [add, get, remove] = [0x0a0c, 0x0a0d, 0x0a0e];

export class FakeMachine {
  /** One line for each system call, transaction, visit or act. */
  readonly log: string[] = [];
  /** Names of what can't be made, of what is there already, and of what can't be taken back. */
  readonly refuses = new Set<string>();
  readonly exists = new Set<string>();
  readonly keeps = new Set<string>();
  /** Names, and tables, of which the kernel once carries out what it is asked, and what it says of it is lost. */
  readonly loses = new Set<string>();
  /** Elements, by the bytes that name them. */
  readonly elements = new Set<string>();
  readonly #links = new Set<string>();
  readonly #connections = new Map<string, Connection>();

  /** All that a plan asks of its world. */
  readonly world = {
    namespace: (place: NamespaceRef) => ({
      fd: 7,
      route: this.#connection(`${text(place)} route`, (sent) => this.#carryOut(place, sent)),
      netfilter: this.#connection(`${text(place)} netfilter`, (sent) => this.#transact(place, sent)),
    }),
    runInside: (place: NamespaceRef, body: () => unknown) => {
      this.log.push(`enter ${text(place)}`);
      return body();
    },
    linkIndex: (_: NamespaceRef, name: string) => {
      if (this.#links.has(name)) return 7;
      throw new KernelError(`find link ${name}`, 'ENODEV');
    },
  } as unknown as KernelHandles;

  /** Requests, visits and acts that only tell of themselves; elements are real. An address wants its link's index. */
  readonly kinds = {
    ...kernelKinds,
    up: { ...this.#told<UpStep>(({ link }) => link), requests: ({ link }: UpStep) => [thing(link)] },
    address: {
      ...this.#told<{ link: string }>(({ link }) => `address of ${link}`),
      requests: (step: { in: NamespaceRef; link: string }, kernel: KernelHandles) => {
        kernel.linkIndex(step.in, step.link);
        return [thing(`address of ${step.link}`)];
      },
    },
    veth: {
      ...this.#told<VethStep>(({ name }) => name),
      requests: ({ name }: VethStep) => [thing(name)],
      disable: {
        undo: ({ name }: VethStep) => void this.log.push(`silence ${name}`),
        undoCommands: ({ name }: VethStep) => [`silence ${name}`],
      },
    },
    sysctl: {
      ...this.#told<SysctlStep>(({ key }) => key),
      applyInside: ({ key }: SysctlStep) => this.#act('set', key),
    },
    file: {
      ...this.#told<FileStep>(({ path }) => path),
      apply: async ({ path }: FileStep) => this.#act('write', path),
    },
    namespace: {
      ...this.#told<NamespaceStep>(({ name }) => name),
      apply: ({ name }: NamespaceStep) => this.#act('make', name),
    },
  } as unknown as Kinds;

  #told<S>(name: (step: S) => string) {
    return {
      commands: (step: S) => [`do ${name(step)}`],
      undoCommands: (step: S) => [`undo ${name(step)}`],
      holds: () => true,
      undo: (step: S) => {
        this.log.push(`undo ${name(step)}`);
        if (this.keeps.has(name(step))) throw new KernelError(`undo ${name(step)}`, 'EBUSY');
      },
    };
  }

  #act(verb: string, name: string): void {
    this.log.push(`${verb} ${name}`);
    if (this.exists.has(name)) throw new KernelError(`${verb} ${name}`, 'EEXIST');
    if (this.refuses.has(name)) throw new KernelError(`${verb} ${name}`, 'EPERM');
  }

  #connection(key: string, answer: ConstructorParameters<typeof FakeKernel>[0]): Connection {
    const found = this.#connections.get(key) ?? new FakeKernel(answer).connect();
    this.#connections.set(key, found);
    return found;
  }

  /** As rtnetlink does: each request by itself, and on after a failure. */
  #carryOut(place: NamespaceRef, sent: readonly RawMessage[]): readonly Buffer[] {
    const names = sent.map(({ payload }) => readBody(named, payload).attributes.name ?? '');
    this.log.push(`${text(place)}: ${names.join(' + ')}`);
    const answers = sent.flatMap((one, index) => {
      const name = names[index] ?? '';
      if (this.refuses.has(name)) return [refused(one, 'EEXIST')];
      this.#links.add(name);
      return index === sent.length - 1 ? [acknowledgement(one)] : [];
    });
    this.#lose(names);
    return answers;
  }

  #lose(names: readonly string[]): void {
    if (names.some((name) => this.loses.delete(name))) throw new KernelError('receive from netlink', 'ENOBUFS');
  }

  /** As nf_tables does: all or none. */
  #transact(place: NamespaceRef, sent: readonly RawMessage[]): readonly Buffer[] {
    const [first] = sent;
    if (first?.type === get) {
      const there = this.elements.has(element(first));
      return [there ? message(add, 0, first.sequence, first.payload) : refused(first, 'ENOENT')];
    }
    const inner = sent.slice(1, -1);
    const verb = inner[0]?.type === remove ? 'delete' : 'add';
    this.log.push(`${text(place)}: ${verb} ${inner.length} of ${tables(inner)}`);
    const [wrong, errno] = [inner.find((one) => this.elements.has(element(one)) === (verb === 'add')), verb === 'add'];
    if (wrong !== undefined) return [refused(wrong, errno ? 'EEXIST' : 'ENOENT')];
    for (const one of inner) this.elements[verb](element(one));
    this.#lose([tables(inner)]);
    return acknowledging(sent, Buffer.alloc(0));
  }
}

function text(place: NamespaceRef): string {
  return place === 'host' ? place : place.namespace;
}

function thing(name: string) {
  return request(`add ${name}`, named, 0, {}, { name });
}

function element({ payload }: RawMessage): string {
  return payload.toString('hex');
}

function tables(sent: readonly RawMessage[]): string {
  // The table's name is the first attribute behind nfgenmsg.
  return [...new Set(sent.map(({ payload }) => payload.toString('latin1', 8, 4 + payload.readUInt16LE(4) - 1)))].join(
    ' ',
  );
}

const why = 'a test';

export const steps = {
  up: (link: string, place: NamespaceRef = 'host'): Step => ({ kind: 'up', in: place, link, why }),
  address: (link: string): Step => ({
    kind: 'address',
    in: 'host',
    link,
    prefix: { address: { family: 4, value: 1n }, length: 8 },
    why,
  }),
  sysctl: (key: string, place: NamespaceRef = 'host'): Step => ({ kind: 'sysctl', in: place, key, value: '1', why }),
  file: (path: string): Step => ({ kind: 'file', path, mode: 0o644, content: '', why }),
  namespace: (name: string): Step => ({ kind: 'namespace', name, why }),
  element: (port: number, table = 'gangway', place: NamespaceRef = 'host'): ElementStep => ({
    kind: 'element',
    in: place,
    table,
    element: { set: 'ports', key: [{ type: 'inet_service', port }] },
    why,
  }),
  veth: (name: string, namespace: string): Step => ({
    kind: 'veth',
    in: 'host',
    name,
    bridge: 'gangway0',
    mtuBytes: 1500,
    peer: { namespace, name: 'eth0', mac: parseMac('02:42:ac:11:00:02') },
    why,
  }),
};
