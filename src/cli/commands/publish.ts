/** `gangway publish` */
import { parseProxyProtocol } from '../../values/proxy-protocol.ts';
import type { Execute } from '../command.ts';
import type { publishOptions } from '../options.ts';
import { portLines } from '../port-lines.ts';
import { givenPorts } from '../port-words.ts';

export const execute: Execute<typeof publishOptions> = async (given, context) => {
  const { container, ports } = givenPorts('publish', given);
  const engine = await context.engine();
  const proxyProtocol = given.options['proxy-protocol'].flatMap(parseProxyProtocol);
  context.stdout.write(portLines(await engine.publish(container, ports, { proxyProtocol }), true));
  return 0;
};
