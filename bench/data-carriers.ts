/**
 * Carriers from 127.0.0.1 to the container: gangway's hook and proxies, other proxies, and a direct connection.
 *
 *      client -- 127.0.0.1:20000 -- carrier --+
 *      client of the hook's cgroup -----------+-- bridge -- container 10.216.0.2
 *      direct client -------------------------+
 *
 * The hook is linked to a cgroup that contains only its own clients, so that the proxies are measured without the hook.
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
import type { RelayOrder } from './data-relay.ts';

/** A kind of carrier. */
export interface CarrierKind {
  readonly name: string;
  readonly method: string;
  readonly without?: 'udp';
  readonly mostPorts?: number;
  /** Belongs to gangway. */
  readonly ours?: true;
  open(forwards: readonly DataForward[], target: string): Promise<DataCarrier | Absent>;
}

/** A running carrier. */
export interface DataCarrier {
  /** Processes of the carrier, without their children. */
  readonly pids: readonly number[];
  /** Command prefix for clients. */
  readonly prefix: Prefix;
  find(service: Service): DataPlace;
  close(): Promise<void>;
}

/** @param relay bundle of data-relay.ts from scripts/bench */
export function carrierKinds(relay: string): readonly CarrierKind[] {
  return [
    {
      name: 'gangway, hook',
      method: 'the connect hook redirects the client to the container',
      ours: true,
      open: (forwards, target) => openHook(relay, forwards, target),
    },
    {
      name: 'gangway, relay',
      method: 'the proxy’s worker thread with epoll and splice',
      ours: true,
      open: (forwards, target) => openRelay('gangway, relay', relay, { forwards, target }),
    },
    ...peers.map(kindOfPeer),
    { name: 'direct', method: 'the client connects to the container’s own address, without a proxy', open: openDirect },
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

async function openRelay(name: string, relay: string, order: RelayOrder): Promise<DataCarrier | Absent> {
  const child = spawn(process.execPath, [...frugal, relay], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  const word = once(createInterface(child.stdout), 'line') as Promise<[string]>;
  child.stdin.write(`${JSON.stringify(order)}\n`);
  const [said] = await word;
  const opened = carrierOf([child], order.forwards);
  if (said === 'ready') return opened;
  await opened.close();
  return { name, skipped: said };
}

async function openPeer(peer: Peer, forwards: readonly DataForward[], target: string): Promise<DataCarrier | Absent> {
  const program = findPeer(peer);
  if (program === undefined) return { name: peer.name, skipped: `apt install ${peer.package}` };
  const able = forwards.filter(({ protocol }) => protocol !== peer.without);
  // docker-proxy writes its status to descriptor 3, whatever that descriptor is.
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
  // Each process leads a process group with its children.
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

/** @throws Error if a process has exited */
function isAlive({ name }: Peer, children: readonly ChildProcess[]): boolean {
  if (children.every(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) return true;
  throw new Error(`${name} has ended`);
}

/** Checks /proc/net: the local port in hexadecimal, and the listening state. */
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

/** Opens all carriers, with ports ten numbers apart. */
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
