/** What changes for a container that lives when its plugs do: its ways out, its published ports, its names and its files. */
import { readFileSync } from 'node:fs';
import type { Backend } from '../firewall/backend.ts';
import { addHosts, nameServiceResolvConf, removeHosts } from '../networks/files.ts';
import { changeRoutes, defaultRoutes } from '../networks/gateway.ts';
import type { Sandbox } from '../networks/none.ts';
import { movingFlows, publish, republish } from '../networks/publish.ts';
import type { FileStep, FirewallStep, Step } from '../plan/step.ts';
import type { Address } from '../values/address.ts';
import { ignoring } from '../values/errors.ts';
import { gather, spread } from '../values/forward-set.ts';
import type { PortBinding } from '../values/port.ts';
import { hasNames } from './names.ts';
import type { ContainerRecord, Life, Names, Plug } from './record.ts';
import { draftNames } from './stack.ts';
import { ownNames } from './start.ts';
import { forwardsKey } from './switchboard/protocol.ts';
import { behindOf, forwardsOf, guardOf, type Wired, waysOf } from './wiring.ts';

export function sandboxOf({ namespace }: Life): Sandbox {
  if (namespace === undefined) throw new TypeError('a container with plugs has a namespace');
  return { namespace };
}

export interface Rewired {
  readonly life: Life;
  /** What changes besides the plug itself. */
  readonly steps: readonly Step[];
  /** What changes before a plug is plugged in, and after it is pulled. */
  readonly guard: readonly FirewallStep[];
  /** Published ports lead elsewhere. */
  readonly moved: boolean;
}

export interface Rewiring {
  readonly life: Life;
  /** As the plugs will be. */
  readonly wired: Wired;
  readonly verb: 'add' | 'remove';
  readonly plug: Plug;
  /** The published ports: those that there were, or the first ones. */
  readonly bindings: readonly PortBinding[];
  readonly firewall: Backend;
}

/** The container with other plugs: its ways out, its published ports, its hosts file. */
export function rewire(record: ContainerRecord, { life, wired, verb, plug, bindings, firewall }: Rewiring): Rewired {
  const sandbox = sandboxOf(life);
  const ways = waysOf(wired);
  const forwards = forwardsOf(wired, ways, bindings);
  const gathered = gather(forwards);
  const published = publish(gathered, behindOf(wired), firewall);
  const elements = republish(life.published, published);
  const guarded = guardOf(wired);
  const first = life.names === undefined && wired.some((each) => hasNames(each.record));
  const names = first ? draftNames(record, sandbox) : life.names;
  const files = [
    rewriteHosts(record, life, verb, plug),
    ...(first && names !== undefined ? [rewriteResolvConf(life, names)] : []),
  ].filter(({ content, was }) => content !== was);
  return {
    steps: [
      ...changeRoutes(life.routes, ways, sandbox),
      ...(elements.length === 0 ? [] : movingFlows(elements, spread(life.forwards), forwards, addressesOf(wired))),
      ...(first && names !== undefined ? names.steps : []),
      ...files,
    ],
    guard: republish(life.guard ?? [], guarded, 'what it may say depends on all its plugs'),
    moved: elements.length > 0 || forwardsKey(gathered) !== forwardsKey(life.forwards),
    life: {
      ...life,
      ...(names === undefined ? {} : { names }),
      plugs: wired.map((each) => each.plug),
      guard: guarded,
      routes: defaultRoutes(ways, sandbox),
      forwards: gathered,
      published,
      rest: life.rest.map((step) => {
        const change = step.kind === 'file' ? files.find(({ path }) => path === step.path) : undefined;
        return step.kind === 'file' && change !== undefined ? { ...step, content: change.content } : step;
      }),
    },
  };
}

function addressesOf(wired: Wired): readonly Address[] {
  return wired.flatMap(({ plug }) => plug.endpoint.addresses.map(({ address }) => address));
}

/** The file as it is now: who lives in the container may have changed it. */
function rewriteHosts(record: ContainerRecord, life: Life, verb: 'add' | 'remove', { endpoint }: Plug): FileStep {
  const addresses = endpoint.addresses.map(({ address }) => address);
  const rewrite = (was: string) => (verb === 'add' ? addHosts : removeHosts)(was, ownNames(record), addresses);
  return rewriteFile(`${life.launch.directory}/hosts`, rewrite, 'the container’s own lines in /etc/hosts');
}

/** With its first network that has names a container asks its own name server, unless somebody wrote another file. */
function rewriteResolvConf(life: Life, { resolver }: Names): FileStep {
  const path = `${life.launch.directory}/resolv.conf`;
  const ours = life.rest.find((step) => step.kind === 'file' && step.path === path);
  const rewrite = (was: string) =>
    ours?.kind === 'file' && ours.content === was ? nameServiceResolvConf(resolver) : was;
  return rewriteFile(path, rewrite, 'names are asked of the container’s own name server from now on');
}

function rewriteFile(path: string, rewrite: (was: string) => string, why: string): FileStep {
  const was = ignoring('ENOENT', () => readFileSync(path, 'utf8')) ?? '';
  return { kind: 'file', path, mode: 0o644, content: rewrite(was), was, why };
}
