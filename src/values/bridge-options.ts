/** The options of a bridge network, by docker's names where docker has them. */
import { type Address, type Family, formatAddress, isLoopback, isUnspecified } from './address.ts';
import { formatFirewallMark, parseFirewallMark } from './firewall-mark.ts';
import { parseLinkName, parseNewLinkName } from './names.ts';
import type { BigTcp, BridgeRequest, GatewayMode } from './network.ts';
import { choice, commonRows, field, invalidNetwork, parseAddressOf, parseFlag, type Row } from './option-row.ts';

/** A bridge network of which nothing else was said. */
export const plainBridge: BridgeRequest = {
  kind: 'bridge',
  interContainer: true,
  masquerade: true,
  gatewayModes: { 4: 'nat', 6: 'nat' },
  inhibitIpv4: false,
  sourceAddresses: [],
  trustedLinks: [],
  guarded: true,
  linkPrefix: 'eth',
};

const prefix = 'com.docker.network.bridge';

export const bridgeRows: readonly Row<BridgeRequest>[] = [
  field<BridgeRequest, 'link'>(`${prefix}.name`, 'link', parseNewLinkName),
  field(`${prefix}.enable_icc`, 'interContainer', parseFlag),
  field(`${prefix}.enable_ip_masquerade`, 'masquerade', parseFlag),
  field(`${prefix}.inhibit_ipv4`, 'inhibitIpv4', parseFlag),
  field<BridgeRequest, 'hostBinding'>(
    `${prefix}.host_binding_ipv4`,
    'hostBinding',
    (text, key) => parseAddressOf(4, text, key),
    formatAddress,
  ),
  field(
    `${prefix}.trusted_host_interfaces`,
    'trustedLinks',
    (text) => text.split(':').map(parseLinkName),
    (links) => links.join(':'),
  ),
  field<BridgeRequest, 'acceptedMark'>('gangway.accept-fwmark', 'acceptedMark', parseFirewallMark, formatFirewallMark),
  field('gangway.guard', 'guarded', parseFlag),
  field<BridgeRequest, 'bigTcp'>('gangway.big-tcp', 'bigTcp', choice<BigTcp>('auto', 'on', 'off')),
  gatewayMode(4),
  gatewayMode(6),
  sourceAddress(4),
  sourceAddress(6),
  ...commonRows<BridgeRequest>(),
];

function gatewayMode(family: Family): Row<BridgeRequest> {
  const key = `${prefix}.gateway_mode_ipv${family}`;
  const parse = choice<GatewayMode>('nat', 'nat-unprotected', 'routed', 'isolated');
  return {
    key,
    read: (bridge, text) => ({ ...bridge, gatewayModes: { ...bridge.gatewayModes, [family]: parse(text, key) } }),
    write: ({ gatewayModes }) => gatewayModes[family],
  };
}

function sourceAddress(family: Family): Row<BridgeRequest> {
  const key = `com.docker.network.host_ipv${family}`;
  return {
    key,
    read(bridge, text) {
      const others = bridge.sourceAddresses.filter((one) => one.family !== family);
      const all = [...others, parseSource(family, text, key)].sort((a, b) => a.family - b.family);
      return { ...bridge, sourceAddresses: all };
    },
    write({ sourceAddresses }) {
      const address = sourceAddresses.find((one) => one.family === family);
      return address && formatAddress(address);
    },
  };
}

function parseSource(family: Family, text: string, key: string): Address {
  const address = parseAddressOf(family, text, key);
  if (!isUnspecified(address) && !isLoopback(address)) return address;
  throw invalidNetwork(`${key} ${text} is nothing that the world could answer`, 'write an address of this machine');
}
