/** Relays one TCP port of the loopback in a process of its own: `relay-main.ts HOST-PORT TARGET PORT DESCRIPTOR-LIMIT`. */
import { reserve, serve } from '../../src/services/proxy/reservation.ts';
import { parseAddress } from '../../src/values/address.ts';
import { sockets } from './sockets.ts';
import { newWorker } from './splice-worker.ts';

const [, , hostPort, target = '', containerPort, descriptorLimit] = process.argv;
const binding = {
  protocol: 'tcp',
  hostAddress: parseAddress('127.0.0.1'),
  hostPort: Number(hostPort),
  containerPort: Number(containerPort),
} as const;
serve(
  reserve(sockets({ binding, target: parseAddress(target) })),
  newWorker({ descriptorLimit: Number(descriptorLimit) }),
);
process.stdout.write('serving\n');
