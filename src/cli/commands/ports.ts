/** Commands of published ports: `port`, `publish` and `unpublish`. */
import { formatAddress, formatHost } from '../../values/address.ts';
import { parseIntroduced } from '../../values/client-address.ts';
import { GangwayError } from '../../values/errors.ts';
import { order } from '../../values/order.ts';
import type { PortBinding } from '../../values/port.ts';
import { formatLeading, formatPort, parsePort, parsePublish } from '../../values/port-grammar.ts';
import type { Execute } from '../command.ts';
import type { portOptions, publishOptions, unpublishOptions } from '../container-options.ts';
import { parseListFormat } from '../format.ts';
import { type Parsed, UsageError } from '../grammar.ts';
import { formatList, type Layout } from '../list-output.ts';

export const port: Execute<typeof portOptions> = async ({ options, args: [name = '', text] }, context) => {
  const wanted = text === undefined ? undefined : parsePortArgument(text);
  const format = await parseListFormat(options.format, layout);
  const engine = await context.engine();
  const bindings = (await engine.ports(name)).filter(
    ({ containerPort, protocol }) =>
      wanted === undefined || (wanted.port === containerPort && wanted.protocol === protocol),
  );
  if (wanted !== undefined && bindings.length === 0) {
    throw new GangwayError('port-not-published', `container ${name} does not publish port ${formatPort(wanted)}`, {
      hint: `\`gangway port ${name}\` lists the published ports`,
    });
  }
  const plain = formatBindings(bindings, text === undefined);
  context.stdout.write(formatList(sortBindings(bindings), format, layout, plain));
  return 0;
};

export const publish: Execute<typeof publishOptions> = async (parsed, context) => {
  const { container, ports } = parsePortArguments('publish', parsed);
  const clientAddresses = parseIntroduced({
    proxyProtocol: parsed.options['proxy-protocol'],
    transparentSource: parsed.options['transparent-source'],
  });
  const engine = await context.engine();
  context.stdout.write(formatBindings(await engine.publish(container, ports, clientAddresses), true));
  return 0;
};

export const unpublish: Execute<typeof unpublishOptions> = async (parsed, context) => {
  const { container, ports } = parsePortArguments('unpublish', parsed);
  const engine = await context.engine();
  await engine.unpublish(container, ports);
  return 0;
};

/** Parses a container and its ports, written as arguments or with `-p`. @throws UsageError; GangwayError */
function parsePortArguments(name: string, { options, args }: Parsed<typeof unpublishOptions>) {
  const [container = '', ...rest] = args;
  const texts = [...options.publish, ...rest];
  if (texts.length === 0) throw new UsageError(`"gangway ${name}" requires at least 2 arguments`, 1, true);
  return { container, ports: texts.map(parsePublish) };
}

/** @throws UsageError with status 1, as in Docker; `-p` exits with 125 */
function parsePortArgument(text: string) {
  try {
    return parsePort(text);
  } catch (error) {
    throw error instanceof GangwayError ? new UsageError(`${error.message}; ${error.hint}`, 1) : error;
  }
}

/** Formats bindings as `80/tcp -> 0.0.0.0:8080` lines. @param withPort include the container port */
function formatBindings(bindings: readonly PortBinding[], withPort: boolean): string {
  const line = (binding: PortBinding) =>
    withPort ? formatLeading(binding) : `${formatHost(binding.hostAddress)}:${binding.hostPort}`;
  return sortBindings(bindings)
    .map((binding) => `${line(binding)}\n`)
    .join('');
}

/** Sorts bindings as Docker does: by the text of the line, with numbers compared as numbers. */
function sortBindings(bindings: readonly PortBinding[]): readonly PortBinding[] {
  return bindings.toSorted(
    (a, b) =>
      a.containerPort - b.containerPort ||
      order(a.protocol, b.protocol) ||
      order(a.hostAddress.family, b.hostAddress.family) ||
      (a.hostAddress.family === 4
        ? order(a.hostAddress.value, b.hostAddress.value)
        : order(formatHost(a.hostAddress), formatHost(b.hostAddress))) ||
      a.hostPort - b.hostPort,
  );
}

const layout: Layout<PortBinding> = {
  fields: {
    ContainerPort: ['CONTAINER PORT', ({ containerPort }) => String(containerPort)],
    HostIp: ['HOST IP', ({ hostAddress }) => formatAddress(hostAddress)],
    HostPort: ['HOST PORT', ({ hostPort }) => String(hostPort)],
    Protocol: ['PROTOCOL', ({ protocol }) => protocol],
  },
};
