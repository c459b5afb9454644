/**
 * What the firewall has to know of a network and of a published port.
 *
 * The rules themselves stand in nftables/ruleset.nft and never change. These functions say which elements of its sets
 * and maps a fact is; the caller adds them when it begins to hold and removes the same ones when it ends.
 *
 * Order matters at one place: the elements of a network come before its bridge and go after it. A bridge that the rules
 * don't know is nobody's, and the host forwards to it whatever it likes.
 */
import type { KeyPart } from '../kernel/set-key.ts';
import { type Address, type Family, isLoopback, isUnspecified, network, type Prefix } from '../values/address.ts';
import type { Port, PortBinding } from '../values/port.ts';
import type { Datum, SetElement } from '../values/set-element.ts';

/** A network in the mode `nat`: its containers go out under the host's address and are reached by published ports. */
export interface NatNetwork {
  readonly bridge: string;
  /** One for each family that the network has; the other family is closed. */
  readonly subnets: readonly Prefix[];
  /** May its containers talk to each other? */
  readonly interContainer: boolean;
  readonly masquerade: boolean;
}

/** `nft add element inet gangway bridges { "gangway0" }` and so on. */
export function networkElements({ bridge, subnets, interContainer, masquerade }: NatNetwork): readonly SetElement[] {
  const name = ifname(bridge);
  return [
    { set: 'bridges', key: [name] },
    ...(interContainer ? [{ set: 'same_bridge', key: [name, name] }] : []),
    ...subnets.flatMap((subnet): readonly SetElement[] => {
      const { family } = subnet.address;
      return [
        { set: 'leaving', key: [nfProto(family), name], value: [goto('leave_nat')] },
        { set: 'entering', key: [nfProto(family), name], value: [goto('enter_nat')] },
        { set: `subnets${family}`, key: [name, { type: 'prefix', prefix: network(subnet) }] },
        ...(masquerade ? [{ set: 'masqueraded', key: [nfProto(family), name] }] : []),
      ];
    }),
  ];
}

/**
 * `nft add element inet gangway ports4 { tcp . 8080 : 172.17.0.2 . 80 }`: at most one element per port.
 *
 * None at all where the kernel can't translate (from one family to the other) and for `::1`, which it never accepts
 * from a wire: those ports are a process of the host's business. So is one on 127.0.0.1, but it needs a guard.
 *
 * @param container the container's address on the network that the port belongs to
 */
export function portElements(binding: PortBinding, container: Address): readonly SetElement[] {
  const { family } = binding.hostAddress;
  const hostPort = l4({ protocol: binding.protocol, port: binding.hostPort });
  if (isLoopback(binding.hostAddress)) {
    return family === 4 ? [{ set: 'loopback_ports4', key: [address(binding.hostAddress), ...hostPort] }] : [];
  }
  if (family !== container.family) return [];
  const value = [address(container), service(binding.containerPort)];
  return isUnspecified(binding.hostAddress)
    ? [{ set: `ports${family}`, key: hostPort, value }]
    : [{ set: `host_ports${family}`, key: [address(binding.hostAddress), ...hostPort], value }];
}

/** The sets that hold published ports, and what their keys are made of. */
export const portSets: Readonly<Record<string, readonly KeyPart[]>> = {
  ports4: [{ type: 'inet_proto' }, { type: 'inet_service' }],
  host_ports4: [{ type: 'address', family: 4 }, { type: 'inet_proto' }, { type: 'inet_service' }],
  loopback_ports4: [{ type: 'address', family: 4 }, { type: 'inet_proto' }, { type: 'inet_service' }],
};

/** gangway has turned on forwarding for `family`: the host must not become a router between other people's networks. */
export function closedTransitElements(family: Family): readonly SetElement[] {
  return [{ set: 'closed_transit', key: [nfProto(family)] }];
}

function l4({ protocol, port }: Port): readonly Datum[] {
  return [{ type: 'inet_proto', protocol }, service(port)];
}

function service(port: number): Datum {
  return { type: 'inet_service', port };
}

function nfProto(family: Family): Datum {
  return { type: 'nf_proto', family };
}

function ifname(name: string): Datum {
  return { type: 'ifname', name };
}

function address(value: Address): Datum {
  return { type: 'address', address: value };
}

function goto(chain: 'leave_nat' | 'enter_nat'): Datum {
  return { type: 'goto', chain };
}
