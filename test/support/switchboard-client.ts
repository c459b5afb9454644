/** A client that reserves a port for container `c1`, says so, and does nothing more: `switchboard-client.ts OPTIONS PORT`. */
import { openSwitchboard, type SwitchboardOptions } from '../../src/engine/switchboard/launch.ts';
import { parseAddress } from '../../src/values/address.ts';

const [, , options = '', port = ''] = process.argv;
const connection = await openSwitchboard(JSON.parse(options) as SwitchboardOptions);
const hostAddress = parseAddress('127.0.0.1');
await connection.reserve({
  owner: 'c1',
  name: 'c1',
  forwards: [
    {
      protocol: 'tcp',
      hostAddress,
      target: hostAddress,
      ports: [{ hostPort: Number(port), containerPort: 80, count: 1 }],
    },
  ],
});
process.stdout.write('reserved\n');
