/** `gangway network create` */
import { parseNetworkCreate } from '../../values/network-grammar.ts';
import { present } from '../../values/present.ts';
import type { Execute } from '../command.ts';
import type { networkCreateOptions } from '../options.ts';

export const execute: Execute<typeof networkCreateOptions> = async ({ options, words: [name = ''] }, context) => {
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
