/** Runs programs of the host in the network of a place, and summarises their results. */
import type { World } from './world.ts';

/** Sends echo requests until one is answered, because new links may lose some. */
export async function ping(world: World, from: string, to: string): Promise<string> {
  const first = await echo(world, from, to);
  return first === 'silence' ? await echo(world, from, to) : first;
}

async function echo(world: World, from: string, to: string): Promise<string> {
  const { exitCode, stdout, stderr } = await world.within(from, ['ping', '-n', '-c3', '-i0.5', '-W1', to]);
  if (exitCode === 0) return 'answers';
  if (/Network is unreachable/.test(stderr)) return 'network is unreachable';
  return /Unreachable|prohibited|unreachable/.test(stdout) ? 'host is unreachable' : 'silence';
}

/** Fetches a page, which contains the client's address as the server saw it. */
export async function fetch(world: World, from: string, to: string): Promise<string> {
  const argv = ['curl', '-gsv', '--noproxy', '*', '-m', '2', `http://${to}/`];
  const { exitCode, stdout, stderr } = await world.within(from, argv);
  if (exitCode === 0) return `sees ${stdout.trim()}`;
  if (exitCode === 28) return 'silence';
  if (/unreachable|no route/i.test(stderr)) return 'unreachable';
  if (/refused/i.test(stderr)) return 'refused';
  if (exitCode === 7) return 'refused';
  return [52, 56].includes(exitCode) ? 'accepted, then closed' : `curl ends with ${exitCode}`;
}

/** Sends a datagram from a connected socket, which accepts only replies from the requested address. */
export async function datagram(world: World, from: string, to: string): Promise<string> {
  const family = to.startsWith('[') ? 'UDP6' : 'UDP4';
  const script = `printf x | socat -t1 -T1 - "${family}:${to}" 2>&1`;
  const { stdout } = await world.within(from, ['sh', '-c', script]);
  if (/refused/i.test(stdout)) return 'refused';
  if (/unreachable/i.test(stdout)) return 'unreachable';
  return stdout.trim() === '' ? 'silence' : `sees ${stdout.trim().split('\n')[0]}`;
}

/** Returns status, flags and answers of a DNS query, by default to 127.0.0.11. */
export async function dig(world: World, from: string, question: string): Promise<string> {
  const server = question.includes('@') ? [] : ['@127.0.0.11'];
  const options = ['+noall', '+comments', '+answer', '+time=3', '+tries=1', '+nocookie'];
  const { stdout } = await world.within(from, ['dig', ...server, ...options, ...question.split(' ')]);
  const status = /status: (\w+)/.exec(stdout)?.[1];
  if (status === undefined) return 'silence';
  const answers = stdout
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith(';'))
    .map((line) => line.replace(/\s+/g, ' '));
  return [status, ...answers.sort()].join('\n');
}
