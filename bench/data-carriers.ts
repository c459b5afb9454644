/**
 * Who carries bytes from 127.0.0.1 to the container: gangway by each of its means, its peers, and nobody.
 *
 *      client -- 127.0.0.1:20000 -- carrier --+
 *      client of the hook's cgroup -----------+-- bridge -- container 10.216.0.2
 *      client of nobody ----------------------+
 *
 * The hook is linked to a cgroup in which its own clients are alone: nobody else passes it, so that the relays can be measured.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { frugal } from '../src/engine/create-engine.ts';
import { readLayout } from '../src/kernel/cgroup.ts';
import { waitFor } from '../src/lab/wait.ts';
import { ignoring } from '../src/values/errors.ts';
import type { Absent } from './contender.ts';
import {
  type DataForward,
  type DataPlace,
  forwardsToAll,
  type Prefix,
  type Service,
  services,
} from './data-forward.ts';
import { findPeer, type Peer, peers } from './data-peers.ts';
import type { RelayWish } from './data-relay.ts';

/** A kind of carrier, which can be opened. */
export interface CarrierKind {
  readonly name: string;
  readonly method: string;
  readonly without?: 'udp';
  readonly mostPorts?: number;
  /** Is it gangway's own? */
  readonly ours?: true;
  open(forwards: readonly DataForward[], target: string): Promise<DataCarrier | Absent>;
}

/** One at work. */
export interface DataCarrier {
  /** Those that carry, without their children. */
  readonly pids: readonly number[];
  /** Where its clients have to be. */
  readonly prefix: Prefix;
  find(service: Service): DataPlace;
  close(): Promise<void>;
}

/** @param relay the file that scripts/bench has made of data-relay.ts */
export function carrierKinds(relay: string): readonly CarrierKind[] {
  return [
    {
      name: 'gangway, hook',
      method: 'the connect hook leads the client to the container',
      ours: true,
      open: (forwards, target) => openHook(relay, forwards, target),
    },
    {
      name: 'gangway, relay',
      method: 'the relay of epoll and splice, one thread',
      ours: true,
      open: (forwards, target) => openRelay('gangway, relay', relay, { forwards, target }),
    },
    ...peers.map(kindOfPeer),
    { name: 'direct', method: 'nobody: the client asks the container’s own address', open: openDirect },
  ];
}

function kindOfPeer(peer: Peer): CarrierKind {
  const { name, method, without, mostPorts } = peer;
  return {
    ...{ name, method },
    ...(without === undefined ? {} : { without }),
    ...(mostPorts === undefined ? {} : { mostPorts }),
    open: (forwards, target) => openPeer(peer, forwards, target),
  };
}

async function openHook(
  relay: string,
  forwards: readonly DataForward[],
  target: string,
): Promise<DataCarrier | Absent> {
  const tree = readLayout().hierarchies.find(({ version }) => version === 2);
  if (tree === undefined) return { name: 'gangway, hook', skipped: 'no cgroup v2 is mounted below /sys/fs/cgroup' };
  const cgroup = join(tree.mountPoint, `gangway-bench-${process.pid}`);
  mkdirSync(cgroup, { recursive: true });
  const leave = () => ignoring(['ENOENT', 'EBUSY'], () => rmdirSync(cgroup));
  process.once('exit', leave);
  const opened = await openRelay('gangway, hook', relay, { forwards, target, cgroup });
  if ('skipped' in opened) return opened;
  const entering = ['sh', '-euc', 'echo $$ >"$1"; shift; exec "$@"', 'sh', join(cgroup, 'cgroup.procs')];
  return { ...opened, prefix: entering };
}

async function openRelay(name: string, relay: string, wish: RelayWish): Promise<DataCarrier | Absent> {
  const child = spawn(process.execPath, [...frugal, relay], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  const word = once(createInterface(child.stdout), 'line') as Promise<[string]>;
  child.stdin.write(`${JSON.stringify(wish)}\n`);
  const [said] = await word;
  const opened = carrierOf([child], wish.forwards);
  if (said === 'ready') return opened;
  await opened.close();
  return { name, skipped: said };
}

async function openPeer(peer: Peer, forwards: readonly DataForward[], target: string): Promise<DataCarrier | Absent> {
  const program = findPeer(peer);
  if (program === undefined) return { name: peer.name, skipped: `apt install ${peer.package}` };
  const able = forwards.filter(({ protocol }) => protocol !== peer.without);
  // docker-proxy has something to say on its descriptor 3, and takes whatever is there for that.
  const stdio = ['ignore', 'ignore', 'inherit', 'pipe'] as const;
  const children = peer
    .commands(program, able, target)
    .map(([first = '', ...words]) => spawn(first, words, { stdio: [...stdio], detached: true }));
  const carrier = carrierOf(children, able);
  await waitFor(`${peer.name} listens`, () => isAlive(peer, children) && isListening(able), {
    timeoutMilliseconds: 120_000,
  });
  return carrier;
}

async function openDirect(_: readonly DataForward[], target: string): Promise<DataCarrier> {
  const find = (service: Service) => ({ address: target, port: services[service] });
  return { pids: [], prefix: [], find, close: async () => {} };
}

function carrierOf(children: readonly ChildProcess[], forwards: readonly DataForward[]): DataCarrier {
  const pids = children.flatMap(({ pid }) => pid ?? []);
  // Each leads a group, with the processes that it has started.
  const end = () => {
    for (const pid of pids) ignoring('ESRCH', () => process.kill(-pid, 'SIGKILL'));
  };
  process.once('exit', end);
  return {
    pids,
    prefix: [],
    find: (service) => {
      const forward = forwards.find(({ containerPort }) => containerPort === services[service]);
      if (forward === undefined) throw new RangeError(`no port leads to ${service}`);
      return { address: '127.0.0.1', port: forward.hostPort };
    },
    close: async () => {
      process.removeListener('exit', end);
      const ended = children.map((child) => once(child, 'exit'));
      end();
      await Promise.all(ended);
    },
  };
}

/** @throws Error where one has ended, with its own words above */
function isAlive({ name }: Peer, children: readonly ChildProcess[]): boolean {
  if (children.every(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) return true;
  throw new Error(`${name} has ended`);
}

/** As the kernel lists them: the local port in hexadecimal digits, and the state in which they listen. */
function isListening(forwards: readonly DataForward[]): boolean {
  const open = (['tcp', 'udp'] as const).flatMap((protocol) => {
    const state = protocol === 'tcp' ? '0A' : '07';
    const lines = readFileSync(`/proc/net/${protocol}`, 'latin1').matchAll(/: \w{8}:(\w{4}) \w{8}:\w{4} (\w\w)/g);
    return [...lines].flatMap(([, port = '', found]) =>
      found === state ? [`${protocol} ${Number.parseInt(port, 16)}`] : [],
    );
  });
  const all = new Set(open);
  return forwards.every(({ protocol, hostPort }) => all.has(`${protocol} ${hostPort}`));
}

/** Where each carrier has its ports: ten numbers apart. */
export async function openAll(
  kinds: readonly CarrierKind[],
  target: string,
): Promise<{ readonly open: ReadonlyMap<CarrierKind, DataCarrier>; readonly absent: readonly Absent[] }> {
  const open = new Map<CarrierKind, DataCarrier>();
  const absent: Absent[] = [];
  for (const [index, kind] of kinds.entries()) {
    const opened = await kind.open(forwardsToAll(20_000 + 10 * index), target);
    if ('skipped' in opened) absent.push(opened);
    else open.set(kind, opened);
  }
  return { open, absent };
}
