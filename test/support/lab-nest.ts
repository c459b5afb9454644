/** Makes a lab, in it runs itself with one less to go, and prints how each level looks. Argument: how many more. */
import { createLab } from '../../src/lab/lab.ts';

const left = Number(process.argv[2] ?? 0);
const lab = await createLab();
console.log(`${left} ${(await lab.host.run(['ip', '-o', '-4', 'address', 'show', 'up0'])).includes('203.0.113.1/24')}`);
await lab.world.run(['ping', '-c1', '-W2', '203.0.113.1']);
if (left > 0) {
  const argv = [...process.execArgv, process.argv[1] ?? '', `${left - 1}`];
  console.log((await lab.host.run([process.execPath, ...argv])).trimEnd());
}
await lab.down();
