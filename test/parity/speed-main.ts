/**
 * Runs in the host of a lab and executes commands from stdin, one a line: `create`, `connect`, `disconnect`, `rm`. Prints the
 * milliseconds of each in this process: through gangway's library, or through dockerd's socket.
 */
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { createEngine } from '../../src/engine/create-engine.ts';
import { connectionTo } from '../../src/values/network.ts';
import { parseNetworkCreate } from '../../src/values/network-grammar.ts';

type Work = 'create' | 'connect' | 'disconnect' | 'rm';
type Works = Readonly<Record<Work, () => Promise<unknown>>>;

const network = 'in-process';
const container = 'web';

function gangway(): Works {
  const engine = createEngine();
  return {
    create: () => engine.createNetwork(parseNetworkCreate({ name: network })),
    connect: () => engine.connect(container, connectionTo(network)),
    disconnect: () => engine.disconnect(container, network),
    rm: () => engine.removeNetwork(network),
  };
}

/** A persistent connection, as in docker's own clients. */
function docker(): Works {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (method: string, path: string, data: object = {}) =>
    new Promise<void>((resolve, reject) => {
      const body = JSON.stringify(data);
      const options = {
        agent,
        socketPath: '/run/docker.sock',
        method,
        path,
        headers: { 'content-type': 'application/json', 'content-length': body.length },
      };
      const asked = request(options, (response) => {
        const succeeded = (response.statusCode ?? 500) < 300;
        response
          .resume()
          .once('end', () => (succeeded ? resolve() : reject(new Error(`${path}: ${response.statusCode}`))));
      });
      asked.once('error', reject).end(body);
    });
  return {
    create: () => ask('POST', '/networks/create', { Name: network }),
    connect: () => ask('POST', `/networks/${network}/connect`, { Container: container }),
    disconnect: () => ask('POST', `/networks/${network}/disconnect`, { Container: container }),
    rm: () => ask('DELETE', `/networks/${network}`),
  };
}

const works = process.argv[2] === 'docker' ? docker() : gangway();
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const begin = performance.now();
  await works[line as Work]();
  console.log(`took ${performance.now() - begin}`);
}
