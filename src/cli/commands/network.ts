/** Commands of networks: `network ls`, `create`, `connect`, `disconnect`, `rm` and `prune`. */
import { createInterface } from 'node:readline/promises';
import type { NetworkSummary } from '../../engine/engine.ts';
import { parseConnectionWords } from '../../values/connection-grammar.ts';
import { GangwayError } from '../../values/errors.ts';
import { shortId } from '../../values/id.ts';
import { predefinedNames } from '../../values/network.ts';
import { parseNetworkCreate } from '../../values/network-grammar.ts';
import { present } from '../../values/present.ts';
import type { Context, Execute } from '../command.ts';
import { type FilterKey, hasLabel, invalidFilter, matchesPattern, parseFilters, passesFilters } from '../filter.ts';
import { parseListFormat } from '../format.ts';
import { formatIds, formatList, goTime, type Layout, labelFields } from '../list-output.ts';
import type {
  networkConnectOptions,
  networkCreateOptions,
  networkDisconnectOptions,
  networkListOptions,
  networkPruneOptions,
  networkRemoveOptions,
} from '../network-options.ts';
import { parseTime } from '../parse-time.ts';
import { forEachName, printError } from '../print-error.ts';

export const ls: Execute<typeof networkListOptions> = async ({ options }, context) => {
  const filters = parseFilters(options.filter, filterKeys);
  const whole = options['no-trunc'];
  const list = layout(whole);
  const format = await parseListFormat(options.format, list);
  const engine = await context.engine();
  const found = (await engine.listNetworks()).filter((network) => passesFilters(network, filters));
  const ids = options.quiet ? formatIds(found, whole) : undefined;
  context.stdout.write(formatList(found, format, list, ids));
  return 0;
};

const filterKeys: Readonly<Record<string, FilterKey<NetworkSummary>>> = {
  dangling: {
    // Predefined networks are never dangling.
    matches: ({ name, dangling }, value) => (dangling && !predefinedNames.includes(name)) === /^(1|t)/i.test(value),
    values: ['true', 'false', 'True', 'False', 'TRUE', 'FALSE', 't', 'f', 'T', 'F', '1', '0'],
  },
  driver: { matches: ({ driver }, value) => driver === value },
  id: { matches: ({ id }, value) => matchesPattern(id, value) },
  label: { matches: ({ labels }, value) => hasLabel(labels, value), all: true },
  name: { matches: ({ name }, value) => matchesPattern(name, value) },
  scope: { matches: ({ scope }, value) => scope === value, values: ['local', 'global', 'swarm'] },
  type: {
    matches: ({ name }, value) => (value === 'builtin') === predefinedNames.includes(name),
    values: ['builtin', 'custom'],
  },
};

const layout = (whole: boolean): Layout<NetworkSummary> => ({
  fields: {
    CreatedAt: ['CREATED AT', ({ createdAt }) => goTime(createdAt)],
    Driver: ['DRIVER', ({ driver }) => driver],
    ID: ['NETWORK ID', ({ id }) => shortId(id, whole)],
    IPv6: ['IPV6', ({ families }) => String(families.includes(6))],
    Internal: ['INTERNAL', ({ internal }) => String(internal)],
    ...labelFields(({ labels }: NetworkSummary) => labels),
    Name: ['NAME', ({ name }) => name],
    Scope: ['SCOPE', ({ scope }) => scope],
  },
  columns: ['ID', 'Name', 'Driver', 'Scope'],
});

export const create: Execute<typeof networkCreateOptions> = async ({ options, args: [name = ''] }, context) => {
  const { attachable, driver, egress, ingress, internal, ipv4, ipv6, label, opt, scope, subnet, gateway } = options;
  const request = parseNetworkCreate({
    name,
    attachable,
    internal,
    egress,
    ingress,
    configOnly: options['config-only'],
    labels: label,
    options: opt,
    subnets: subnet,
    gateways: gateway,
    ranges: options['ip-range'],
    auxiliary: options['aux-address'],
    ipamOptions: options['ipam-opt'],
    ...present({
      driver,
      scope,
      configFrom: options['config-from'],
      ipamDriver: options['ipam-driver'],
      ipv4,
      ipv6,
    }),
  });
  const engine = await context.engine();
  context.stdout.write(`${await engine.createNetwork(request)}\n`);
  return 0;
};

export const connect: Execute<typeof networkConnectOptions> = async ({ options, args }, context) => {
  const [network = '', container = ''] = args;
  const { alias, ip, ip6, link } = options;
  const connection = parseConnectionWords({
    network,
    aliases: alias,
    links: link,
    linkLocalIps: options['link-local-ip'],
    driverOptions: options['driver-opt'],
    ...present({ ip, ip6, macAddress: options['mac-address'], gatewayPriority: options['gw-priority'] }),
  });
  const engine = await context.engine();
  await engine.connect(container, connection);
  return 0;
};

export const disconnect: Execute<typeof networkDisconnectOptions> = async ({ options, args }, context) => {
  const [network = '', container = ''] = args;
  const engine = await context.engine();
  await engine.disconnect(container, network, { force: options.force });
  return 0;
};

/** With `-f`, a missing network is not an error, as in Docker. */
export const rm: Execute<typeof networkRemoveOptions> = async ({ options: { force }, args }, context) => {
  return await forEachName(args, context, async (engine, name) => {
    try {
      await engine.removeNetwork(name);
      return name;
    } catch (error) {
      if (force && error instanceof GangwayError && error.code === 'network-not-found') return null;
      throw error;
    }
  });
};

export const prune: Execute<typeof networkPruneOptions> = async ({ options }, context) => {
  const matches = parsePruneFilters(options.filter);
  const engine = await context.engine();
  const changes = context.engineOptions.dryRun !== true;
  if (changes && !options.force && !(await confirm(context))) return 0;
  const { removed, failures } = await engine.pruneNetworks(matches);
  for (const failure of failures) printError(failure, context);
  if (removed.length > 0) context.stdout.write(`Deleted Networks:\n${removed.join('\n')}\n\n`);
  return failures.length === 0 ? 0 : 1;
};

/** Asks Docker's question. A closed stdin means no. */
async function confirm(context: Context): Promise<boolean> {
  context.stderr.write('WARNING! This will remove all user-defined networks that no running container uses.\n');
  const question = createInterface({ input: context.stdin(), output: context.stderr });
  const answer = question.question('Are you sure you want to continue? [y/N] ');
  const closed = new Promise<string>((resolve) => question.once('close', () => resolve('')));
  const text = await Promise.race([answer, closed]);
  question.close();
  return /^y(es)?$/i.test(text.trim());
}

/** Parses `until=TIME`, `label=KEY[=VALUE]` and `label!=KEY[=VALUE]`. @throws UsageError */
function parsePruneFilters(texts: readonly string[]): (network: NetworkSummary) => boolean {
  const tests = texts.map((text): ((network: NetworkSummary) => boolean) => {
    const [, key, value = ''] = /^(until|label|label!)=(.+)$/s.exec(text) ?? [];
    if (key === undefined) throw invalidFilter(text, 'write until=TIME, label=KEY or label!=KEY');
    if (key === 'until') {
      const until = parseTime(value, '--filter until')?.getTime() ?? 0;
      return ({ createdAt }) => createdAt.getTime() < until;
    }
    return ({ labels }) => hasLabel(labels, value) === (key === 'label');
  });
  return (network) => tests.every((test) => test(network));
}
