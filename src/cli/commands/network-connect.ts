/** `gangway network connect` */
import { parseConnectionWords } from '../../values/connection-grammar.ts';
import { present } from '../../values/present.ts';
import type { Execute } from '../command.ts';
import type { networkConnectOptions } from '../options.ts';

export const execute: Execute<typeof networkConnectOptions> = async ({ options, words }, context) => {
  const [network = '', container = ''] = words;
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
