/** `gangway publish` */
import type { Execute } from '../command.ts';
import type { publishOptions } from '../options.ts';
import { portLines } from '../port-lines.ts';
import { givenPorts, introducedPorts } from '../port-words.ts';

export const execute: Execute<typeof publishOptions> = async (given, context) => {
  const { container, ports } = givenPorts('publish', given);
  const engine = await context.engine();
  context.stdout.write(portLines(await engine.publish(container, ports, introducedPorts(given.options)), true));
  return 0;
};
