/** What changes for a container that lives when its plugs do: its ways out, its published ports, its names and its files. */
import { constants } from 'node:fs';
import type { Backend } from '../../firewall/backend.ts';
import { changeRoutes, defaultRoutes } from '../../networks/default-route.ts';
import { addHosts, embeddedDnsResolvConf, removeHosts } from '../../networks/files.ts';
import { movedPortSteps, portSteps, republish } from '../../networks/port-mapping.ts';
import type { Sandbox } from '../../networks/sandbox.ts';
import type { FileStep, FirewallStep, Step } from '../../plan/step.ts';
import { readInside } from '../../sys/openat2-beneath.ts';
import type { Address } from '../../values/address.ts';
import { ignoring } from '../../values/errors.ts';
import { forwardsKey, gather, spread } from '../../values/forward-set.ts';
import type { PortBinding } from '../../values/port.ts';
import { hasDns, hostsNames } from '../dns/zones.ts';
import { defaultRoutesOf, type Endpoints, guardOf } from '../endpoint/routes.ts';
import { forwardsOf, policyLookup } from '../ports/targets.ts';
import type { ContainerRecord, EndpointRecord, NameServerRecord, Run } from '../store/record.ts';
import { draftNameServer } from './sandbox.ts';

export function sandboxOf({ namespace }: Run): Sandbox {
  if (namespace === undefined) throw new TypeError('a container with plugs has a namespace');
  return { namespace };
}

export interface Reconfigured {
  readonly life: Run;
  /** What changes besides the plug itself. */
  readonly steps: readonly Step[];
  /** What changes before a plug is plugged in, and after it is pulled. */
  readonly guard: readonly FirewallStep[];
  /** Published ports lead elsewhere. */
  readonly moved: boolean;
  /** What could not be changed, in words. */
  readonly warnings: readonly string[];
}

export interface ReconfigureRequest {
  readonly life: Run;
  /** As the plugs will be. */
  readonly wired: Endpoints;
  readonly verb: 'add' | 'remove';
  readonly plug: EndpointRecord;
  /** The published ports: those that there were, or the first ones. */
  readonly bindings: readonly PortBinding[];
  readonly firewall: Backend;
}

/** The container with other plugs: its ways out, its published ports, its hosts file. */
export function reconfigure(
  record: ContainerRecord,
  { life, wired, verb, plug, bindings, firewall }: ReconfigureRequest,
): Reconfigured {
  const sandbox = sandboxOf(life);
  const ways = defaultRoutesOf(wired);
  const forwards = forwardsOf(wired, ways, bindings);
  const gathered = gather(forwards);
  const published = portSteps(gathered, policyLookup(wired), firewall);
  const elements = republish(life.published, published);
  const guarded = guardOf(wired);
  const first = life.names === undefined && wired.some((each) => hasDns(each.record));
  const names = first ? draftNameServer(record, sandbox) : life.names;
  const hosts = rewriteHosts(record, life, verb, plug);
  const resolver = first && names !== undefined ? rewriteResolvConf(life, names) : undefined;
  const files = [hosts, resolver].flatMap((file) => (file === undefined || file.content === file.was ? [] : [file]));
  return {
    steps: [
      ...changeRoutes(life.routes, ways, sandbox),
      ...(elements.length === 0 ? [] : movedPortSteps(elements, spread(life.forwards), forwards, addressesOf(wired))),
      ...(first && names !== undefined ? names.steps : []),
      ...files,
    ],
    guard: republish(life.guard ?? [], guarded, 'what it may say depends on all its plugs'),
    moved: elements.length > 0 || forwardsKey(gathered) !== forwardsKey(life.forwards),
    warnings: hosts === undefined ? [untouchable(record)] : [],
    life: {
      ...life,
      ...(names === undefined ? {} : { names }),
      plugs: wired.map((each) => each.plug),
      guard: guarded,
      routes: defaultRoutes(ways, sandbox),
      forwards: gathered,
      published,
    },
  };
}

function addressesOf(wired: Endpoints): readonly Address[] {
  return wired.flatMap(({ plug }) => plug.endpoint.addresses.map(({ address }) => address));
}

/** Larger is nobody's list of hosts; what is in the file goes into our memory, a journal and the script of `explain`. */
const largestBytes = 1 << 20;

/**
 * A file of the container's as it is now. Undefined where who lives in there keeps us from reading or writing it, all of which
 * costs nothing: it is too large, there is a lease on it, it is a program that runs, or nobody may change it (chattr +i).
 */
function readOwn(life: Run, name: string): string | undefined {
  const read = () => readInside(life.launch.directory, name, largestBytes, constants.O_RDWR);
  return ignoring(['EFBIG', 'EAGAIN', 'ETXTBSY', 'EPERM'], () => ignoring('ENOENT', read) ?? '');
}

function untouchable({ name }: ContainerRecord): string {
  const why = `it keeps the file to itself, or has made it larger than ${largestBytes >> 20} MiB`;
  return `the lines of container ${name} in its /etc/hosts stay as they are: ${why}`;
}

/** Undefined where we are kept from the file: that must not keep anybody from being connected, nor from being disconnected. */
function rewriteHosts(
  record: ContainerRecord,
  life: Run,
  verb: 'add' | 'remove',
  { endpoint }: EndpointRecord,
): FileStep | undefined {
  const was = readOwn(life, 'hosts');
  if (was === undefined) return undefined;
  const addresses = endpoint.addresses.map(({ address }) => address);
  const content = (verb === 'add' ? addHosts : removeHosts)(was, hostsNames(record), addresses);
  const path = `${life.launch.directory}/hosts`;
  return { kind: 'file', path, mode: 0o644, content, was, why: 'the container’s own lines in /etc/hosts' };
}

/** With its first network that has names a container asks its own name server, unless somebody wrote another file. */
function rewriteResolvConf(life: Run, { resolver }: NameServerRecord): FileStep | undefined {
  const path = `${life.launch.directory}/resolv.conf`;
  const was = readOwn(life, 'resolv.conf');
  const ours = life.rest.find((step) => step.kind === 'file' && step.path === path);
  if (ours?.kind !== 'file' || ours.content !== was) return undefined;
  const content = embeddedDnsResolvConf(resolver);
  const why = 'names are asked of the container’s own name server from now on';
  return { kind: 'file', path, mode: 0o644, content, was, why };
}
