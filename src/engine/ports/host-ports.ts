import { bootId } from '../../kernel/boot.ts';
import { type PortHolder, portHolders } from '../../kernel/port-holder.ts';
import { readSysctl } from '../../kernel/sysctl.ts';
import { collide, type HostPorts } from '../../services/port-allocation.ts';
import { ignoring } from '../../values/errors.ts';
import { grouped } from '../../values/grouped.ts';
import type { PortRange } from '../../values/port.ts';
import { kernelFamilies } from '../host-facts.ts';
import { type ContainerRecord, containersWithRun, heldBindingsOf } from '../store/record.ts';

/**
 * What the host offers a container to publish at this moment, given who publishes what already.
 *
 * @param asking whose own ports are free: a container that has ports and asks for them anew is the one whose restart is
 *   being explained
 */
export function hostPorts(containers: readonly ContainerRecord[], asking?: string): HostPorts {
  const [first = '32768', last = '60999'] = readSysctl('net/ipv4/ip_local_port_range').split(' ');
  const ephemeral = { first: Number(first), last: Number(last) };
  const published = containersWithRun(containers, bootId()).flatMap(({ id, name, life }) =>
    heldBindingsOf(life).map((binding) => ({ id, name, binding })),
  );
  const inRange = published
    .filter(({ id }) => id !== asking)
    .map(({ binding }) => binding.hostPort)
    .filter((port) => port >= ephemeral.first && port <= ephemeral.last);
  const byPort = grouped(published, ({ binding }) => binding.hostPort);
  const holders = portHolders();
  return {
    families: kernelFamilies(),
    ephemeral,
    reserved: reservedPorts(),
    cursor: inRange.reduce((highest, port) => Math.max(highest, port), 0),
    holder: (binding) => {
      const ours = byPort.get(binding.hostPort)?.find((other) => collide(other.binding, binding));
      if (ours !== undefined && ours.id === asking) return undefined;
      if (ours !== undefined) return `container ${ours.name}`;
      return program(holders(binding.protocol, binding.hostAddress, binding.hostPort));
    },
  };
}

/** `ss -lntup`: who has the port, if it is no container of ours. */
function program(holder: PortHolder | undefined): string | undefined {
  return holder === undefined ? undefined : `${holder.program} (pid ${holder.pid})`;
}

/** `net.ipv4.ip_local_reserved_ports`: `8080,9000-9010`, or nothing. */
function reservedPorts(): readonly PortRange[] {
  const text = ignoring('ENOENT', () => readSysctl('net/ipv4/ip_local_reserved_ports')) ?? '';
  return text.split(',').flatMap((part) => {
    const [first, last] = part.split('-');
    return first === undefined || first === '' ? [] : [{ first: Number(first), last: Number(last ?? first) }];
  });
}
