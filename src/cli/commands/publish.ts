/** `gangway publish` */
import type { Execute } from '../command.ts';
import type { publishOptions } from '../options.ts';
import { givenPorts, introducedPorts } from '../parse-ports.ts';
import { portLines } from '../port-lines.ts';

export const execute: Execute<typeof publishOptions> = async (given, context) => {
  const { container, ports } = givenPorts('publish', given);
  const engine = await context.engine();
  context.stdout.write(portLines(await engine.publish(container, ports, introducedPorts(given.options)), true));
  return 0;
};
