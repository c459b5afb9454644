/** What carries the policy in a scene: each back end, by its own program and not by ours. */
import { fileURLToPath } from 'node:url';
import { type RestoreLine, restoreText } from '../../src/firewall/iptables/program.ts';
import { renderRules } from '../../src/firewall/iptables/render.ts';
import { iptables } from '../../src/firewall/iptables.ts';
import { inDigits } from '../../src/firewall/nftables.ts';
import type { ChainsStep } from '../../src/plan/step.ts';
import { formatRule, type Variant } from '../../src/values/iptables-rule.ts';
import { formatSetElement, type SetElement } from '../../src/values/set-element.ts';
import { lacksLegacyIptables } from '../support/legacy-iptables.ts';
import type { Place } from './ruleset-scene.ts';

export const rulesetFile = fileURLToPath(new URL('../../src/firewall/nftables/ruleset.nft', import.meta.url));

export interface Carrier {
  readonly name: string;
  load(host: Place): Promise<void>;
  unload(host: Place): Promise<void>;
  add(host: Place, list: readonly SetElement[]): Promise<void>;
  remove(host: Place, list: readonly SetElement[]): Promise<void>;
  /** Other rules in a chain of ours: what the attack meets without ours. */
  rewrite(host: Place, chain: string, rules: Mutation): Promise<void>;
}

/** A chain's rules in the words of each: by default none. */
export interface Mutation {
  readonly nft?: readonly string[];
  readonly table?: 'raw' | 'mangle' | 'nat' | 'filter';
  readonly iptables?: readonly string[];
}

const table = 'inet gangway';

const nftables: Carrier = {
  name: 'nftables',
  load: async (host) => void (await host.run(['nft', '-f', rulesetFile])),
  unload: (host) => nft(host, [`delete table ${table}`]),
  add: (host, list) =>
    nft(
      host,
      list.flatMap(kept).map((item) => `add element ${table} ${item.set} { ${formatSetElement(item)} }`),
    ),
  remove: (host, list) =>
    nft(
      host,
      list.flatMap(kept).map(({ set, key }) => `delete element ${table} ${set} { ${formatSetElement({ set, key })} }`),
    ),
  rewrite: (host, chain, { nft: rules = [] }) =>
    nft(host, [`flush chain ${table} ${chain}`, ...rules.map((rule) => `add rule ${table} ${chain} ${rule}`)]),
};

function kept(element: SetElement): readonly SetElement[] {
  return inDigits(element) ?? [element];
}

/** `leave_nat` */
function chainName(chain: string): string {
  return `GANGWAY-${chain.toUpperCase().replaceAll('_', '-')}`;
}

async function nft(host: Place, commands: readonly string[]): Promise<void> {
  await host.run(['nft', '-f', '-'], `${commands.join('\n')}\n`);
}

function iptablesCarrier(variant: Variant): Carrier {
  const steps = () => iptables(variant, true).load() as readonly ChainsStep[];
  const change = async (host: Place, list: readonly SetElement[], verb: '-I' | '-D') => {
    const rules = list.flatMap(renderRules);
    for (const family of [4, 6] as const) {
      const own = rules.filter((rule) => rule.family === family);
      await restore(
        host,
        { variant, family },
        own.map((rule) => ({ table: rule.table, text: formatRule(rule, verb) })),
      );
    }
  };
  return {
    name: `iptables-${variant}`,
    async load(host) {
      for (const step of steps())
        await restore(host, step, [
          ...step.chains.map(({ table, chain }) => ({ table, text: `:${chain} - [0:0]` })),
          ...step.rules.map((rule) => ({ table: rule.table, text: formatRule(rule) })),
          ...step.ways.map(({ rule, at }) => ({
            table: rule.table,
            text: formatRule(rule, at === 'head' ? '-I' : '-A'),
          })),
        ]);
    },
    async unload(host) {
      for (const step of steps())
        await restore(host, step, [
          ...step.ways.map(({ rule }) => ({ table: rule.table, text: formatRule(rule, '-D') })),
          ...['-F', '-X'].flatMap((verb) =>
            step.chains.map(({ table, chain }) => ({ table, text: `${verb} ${chain}` })),
          ),
        ]);
    },
    add: (host, list) => change(host, list, '-I'),
    remove: (host, list) => change(host, list, '-D'),
    async rewrite(host, chain, { table = 'filter', iptables: rules = [] }) {
      const lines = [`:${chainName(chain)} - [0:0]`, ...rules.map((rule) => `-A ${chainName(chain)} ${rule}`)];
      for (const family of [4, 6] as const)
        await restore(
          host,
          { variant, family },
          lines.map((text) => ({ table, text })),
        );
    },
  };
}

async function restore(
  host: Place,
  { variant, family }: Pick<ChainsStep, 'variant' | 'family'>,
  lines: readonly RestoreLine[],
): Promise<void> {
  if (lines.length === 0) return;
  const program = `${family === 4 ? 'iptables' : 'ip6tables'}-${variant}-restore`;
  await host.run([program, '--noflush'], restoreText(lines));
}

const legacy = lacksLegacyIptables() === undefined ? [iptablesCarrier('legacy')] : [];

/** Everything that can carry the policy here. */
export const carriers: readonly Carrier[] = [nftables, iptablesCarrier('nft'), ...legacy];

/** One of each back end: what the two variants of iptables are told is the same. `CARRIERS=all` is the long form. */
export const backEnds = process.env.CARRIERS === 'all' ? carriers : carriers.slice(0, 2);
