/** A process that makes a lab and keeps it: what the lab's tests kill. Its first argument is the lab's name. */
import { createLab } from '../../src/lab/lab.ts';

const lab = await createLab({ name: process.argv[2] ?? 'owned' });
console.log(JSON.stringify({ pid: lab.pid, cgroups: lab.cgroups }));
setInterval(() => undefined, 60_000);
