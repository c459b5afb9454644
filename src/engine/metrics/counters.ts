/** What was counted: of each network what goes in and out, of each published port the connections, and what the relays carried. */
import { isFirewallStep, stepContent } from '../../firewall/backend.ts';
import { type CounterMeaning, countedSets, counterMeaning } from '../../firewall/counters.ts';
import { KernelHandles } from '../../plan/kernel-handles.ts';
import type { Counted } from '../../values/counted.ts';
import { endsOf, type ForwardRun } from '../../values/forward-set.ts';
import { grouped } from '../../values/grouped.ts';
import { formatBinding } from '../../values/port-grammar.ts';
import type { Context } from '../context.ts';
import { activeBackend } from '../firewall/backend-selection.ts';
import type { NetworkTraffic, PortTraffic, Traffic } from '../results.ts';
import { factsIn, knownTo } from '../rules/recorded.ts';

/** One fact of the records, and what the kernel has counted of it. */
interface CountedFact {
  readonly owner: string;
  /** Of the container or the network. */
  readonly name: string;
  readonly as: CounterMeaning;
  readonly counted: Counted;
  readonly forwards: readonly ForwardRun[];
}

/** Since each of them was made. What the kernel hasn't got is left out. */
export async function traffic(context: Context): Promise<Traffic> {
  return { ...translated(context), relays: await context.sockets.readTraffic() };
}

/** What the firewall has counted. */
export function translated(context: Context): Omit<Traffic, 'relays'> {
  const all = countedFacts(context);
  return { networks: networksIn(all), ports: portsIn(all.filter((fact) => fact.as === 'connections')) };
}

function countedFacts(context: Context): readonly CountedFact[] {
  const firewall = activeBackend(context);
  const known = knownTo(context, firewall);
  const names = new Map([
    ...known.containers.map(({ id, name }) => [id, name] as const),
    ...known.networks.map(({ id, network }) => [id, network.name] as const),
  ]);
  const facts = factsIn(context, known, firewall).flatMap(({ step, owner, forwards = [] }) => {
    const as = isFirewallStep(step) ? counterMeaning(step) : undefined;
    if (as === undefined || owner === undefined || !isFirewallStep(step)) return [];
    return [{ step, as, owner, name: names.get(owner) ?? '', forwards }];
  });
  if (facts.length === 0) return [];
  using world = new KernelHandles(context.host());
  const found = firewall.installed(world, 'counted', countedSets);
  const counts = new Map(found.map(({ step, counted }) => [stepContent(step), counted]));
  return facts.flatMap(({ step, ...fact }) => {
    const counted = counts.get(stepContent(step));
    return counted === undefined ? [] : [{ ...fact, counted }];
  });
}

/** Both families together. */
function networksIn(all: readonly CountedFact[]): readonly NetworkTraffic[] {
  const own = all.filter(({ as }) => as !== 'connections');
  return [...new Map(own.map(({ owner, name }) => [owner, name]))].map(([id, name]) => {
    const counted = (as: CounterMeaning) => sum(own.filter((fact) => fact.owner === id && fact.as === as));
    return { id, name, in: counted('in'), out: counted('out') };
  });
}

/** By the host's port and by a direct route together. */
function portsIn(all: readonly CountedFact[]): readonly PortTraffic[] {
  const byPort = grouped(
    all,
    ({ owner, forwards: [first] }) => `${owner} ${first === undefined ? '' : formatBinding(first.binding)}`,
  );
  return [...byPort.values()].flatMap(portIn);
}

function portIn(facts: readonly CountedFact[]): readonly PortTraffic[] {
  const [fact] = facts;
  const [first, last = first] = endsOf(fact?.forwards ?? []);
  if (fact === undefined || first === undefined || last === undefined) return [];
  const { protocol, hostAddress, hostPort, containerPort } = first.binding;
  return [
    {
      container: fact.owner,
      name: fact.name,
      protocol,
      hostAddress,
      ...(first.routed === undefined && { hostPort: { first: hostPort, last: last.binding.hostPort } }),
      containerPort: { first: containerPort, last: last.binding.containerPort },
      connections: sum(facts).packets,
    },
  ];
}

function sum(facts: readonly CountedFact[]): Counted {
  return facts.reduce(
    ({ packets, bytes }, { counted }) => ({ packets: packets + counted.packets, bytes: bytes + counted.bytes }),
    { packets: 0n, bytes: 0n },
  );
}
