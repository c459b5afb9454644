/** Relays one TCP port of the loopback in a process of its own: `relay-main.ts HOST-PORT TARGET PORT DESCRIPTOR-LIMIT CARRIER`. */
import { reserve, serve } from '../../src/services/proxy/reservation.ts';
import { parseAddress } from '../../src/values/address.ts';
import { newCarrier } from './carriers.ts';
import { sockets } from './sockets.ts';

const [, , hostPort, target = '', containerPort, descriptorLimit, carrier] = process.argv;
const binding = {
  protocol: 'tcp',
  hostAddress: parseAddress('127.0.0.1'),
  hostPort: Number(hostPort),
  containerPort: Number(containerPort),
} as const;
serve(
  reserve(sockets({ binding, target: parseAddress(target) })),
  newCarrier(carrier === 'node' ? 'node' : 'engine', { descriptorLimit: Number(descriptorLimit) }),
);
process.stdout.write('serving\n');
