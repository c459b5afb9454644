/** `gangway port` */
import { formatHost } from '../../values/address.ts';
import { GangwayError } from '../../values/errors.ts';
import type { PortBinding } from '../../values/port.ts';
import { formatPort, parsePort } from '../../values/port-grammar.ts';
import type { Execute } from '../command.ts';
import { parseListFormat } from '../format.ts';
import { UsageError } from '../grammar.ts';
import type { portOptions } from '../options.ts';
import { byPort, portLines } from '../port-lines.ts';
import { formatRows } from '../rows.ts';

export const execute: Execute<typeof portOptions> = async ({ options, words }, context) => {
  const [name = '', text] = words;
  const wanted = text === undefined ? undefined : readPort(text);
  const format = await parseListFormat(options.format, layout.headings);
  const engine = await context.engine();
  const bindings = (await engine.ports(name)).filter(
    ({ containerPort, protocol }) =>
      wanted === undefined || (wanted.port === containerPort && wanted.protocol === protocol),
  );
  if (wanted !== undefined && bindings.length === 0) {
    throw new GangwayError('port-not-published', `container ${name} does not publish port ${formatPort(wanted)}`, {
      hint: `\`gangway port ${name}\` lists those that it does`,
    });
  }
  const plain = format.kind === 'plain';
  context.stdout.write(
    plain ? portLines(bindings, text === undefined) : formatRows(byPort(bindings).map(row), format, layout),
  );
  return 0;
};

/** @throws UsageError with exit status 1, which docker has here although it is 125 for `-p` */
function readPort(text: string) {
  try {
    return parsePort(text);
  } catch (error) {
    throw error instanceof GangwayError ? new UsageError(`${error.message}; ${error.hint}`, 1) : error;
  }
}

const layout = {
  headings: {
    ContainerPort: 'CONTAINER PORT',
    HostIp: 'HOST IP',
    HostPort: 'HOST PORT',
    Protocol: 'PROTOCOL',
  },
  columns: [],
} as const;

function row({ containerPort, protocol, hostAddress, hostPort }: PortBinding) {
  return {
    ContainerPort: String(containerPort),
    HostIp: formatHost(hostAddress).replace(/^\[|\]$/g, ''),
    HostPort: String(hostPort),
    Protocol: protocol,
  };
}
