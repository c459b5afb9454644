// Runs inside a private machine: `talk-scenarios.ts NAME` plays one scenario with real containers and tells, as JSON, what
// was seen. With NAME `client` it is the person's side, for scenarios that need a terminal: `script` runs it in one.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { PassThrough, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { identifyProcess } from '../../src/kernel/process.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { connectAttach, type Streams } from '../../src/services/process/attach.ts';
import { execute } from '../../src/services/process/exec.ts';
import { followLog, readLog } from '../../src/services/process/log.ts';
import { waitForExit } from '../../src/services/process/wait-exit.ts';
import { ignoring } from '../../src/values/errors.ts';
import { quote } from '../../src/values/quote.ts';
import { testProgram } from './program.ts';
import { TestContainer, type Wanted } from './talk-machine.ts';

class Sink extends Writable {
  readonly chunks: Buffer[] = [];
  constructor(private readonly delayMs = 0) {
    super();
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk);
    if (this.delayMs > 0) setTimeout(done, this.delayMs);
    else done();
  }
  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

function streams(stdin?: NodeJS.ReadableStream) {
  const stdout = new Sink();
  const stderr = new Sink();
  return { stdout, stderr, ...(stdin === undefined ? {} : { stdin }) };
}

async function foreground(id: string, wanted: Wanted, ends: Streams) {
  const container = await TestContainer.create(id, wanted);
  const attachment = connectAttach(container.target, ends);
  container.start();
  const ending = await attachment.ending;
  container.remove();
  return ending;
}

const sh = (text: string) => ['sh', '-c', text];
const request = {
  command: ['true'],
  terminal: false,
  interactive: false,
  detached: false,
  environment: [],
  privileged: false,
} as const;

/** The words of every process, in this machine and in its containers. */
function commandLines(): readonly string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const texts = pids.map((pid) => ignoring(['ENOENT', 'ESRCH'], () => readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
  return texts.map((text) => (text ?? '').split('\0').slice(0, -1).join(' '));
}

/** Waits until a process has become this command, and nothing stands before it any more. */
function runs(command: string): Promise<void> {
  return waitFor(`${command} runs`, () => commandLines().includes(command));
}

/** A person at a terminal: `script` holds the other end of the pty, what is written to it is typed. */
class Person {
  readonly child: ChildProcess;
  shown = '';
  readonly left: Promise<number | null>;

  constructor(
    container: TestContainer,
    command = 'stty -a >/run/before; "$@"; echo "rc $?"; stty -a >/run/after',
    scenario = 'client',
  ) {
    writeFileSync('/run/target.json', JSON.stringify({ id: container.id, target: container.target }));
    const words = [...testProgram('talk-scenarios'), scenario].map(quote).join(' ');
    const inner = `tty >/run/tty; stty rows 33 cols 77; set -- ${words}; ${command}`;
    rmSync('/run/tty', { force: true });
    this.child = spawn('script', ['-qec', inner, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout?.on('data', (data) => {
      this.shown += data;
    });
    this.left = new Promise((resolve) => this.child.once('close', resolve));
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }

  resize(rows: number, columns: number): void {
    this.#stty('rows', String(rows), 'cols', String(columns));
  }

  /** Waits until the client has made the terminal raw, which it does when it is connected. */
  async isConnected(): Promise<void> {
    await waitFor(
      'the client has a terminal',
      () => existsSync('/run/tty') && readFileSync('/run/tty', 'utf8').endsWith('\n'),
    );
    await waitFor('the terminal is raw', () => this.#stty('-a').includes('-icanon'));
  }

  /** Asks the container's shell for its size until it is this one: the client and conmon pass it on in their own time. */
  async findsSize(size: string): Promise<void> {
    const limit = Date.now() + 20_000;
    while (!this.shown.includes(size)) {
      if (Date.now() > limit) throw new Error(`no size ${size} in ${JSON.stringify(this.shown)}`);
      const before = this.shown.length;
      this.type('stty size\r');
      await waitFor('the shell answers', () => /\d+ \d+\r\n/.test(this.shown.slice(before)) || Date.now() > limit, {
        timeoutMilliseconds: 20_000,
      });
    }
  }

  #stty(...words: readonly string[]): string {
    return execFileSync('stty', ['-F', readFileSync('/run/tty', 'utf8').trim(), ...words], { encoding: 'utf8' });
  }

  async sees(text: string): Promise<void> {
    const limit = Date.now() + 20_000;
    while (!this.shown.includes(text)) {
      if (Date.now() > limit) throw new Error(`no ${JSON.stringify(text)} in ${JSON.stringify(this.shown)}`);
      await delay(5);
    }
  }
}

// All settings but the size, which the scenario changes itself.
const settings = (path: string) => readFileSync(path, 'utf8').replace(/rows.*/, '');
const stty = () => ({ before: settings('/run/before'), after: settings('/run/after') });

const scenarios: Record<string, () => Promise<Record<string, unknown>>> = {
  async client() {
    const { id, target } = JSON.parse(readFileSync('/run/target.json', 'utf8'));
    const life = { ...target.life, stands: () => true };
    const attachment = connectAttach({ ...target, life, running: !existsSync('/run/start') }, process);
    if (existsSync('/run/start')) execFileSync('crun', ['start', id]);
    if (existsSync('/run/throw'))
      setTimeout(() => {
        throw new Error('thrown on purpose');
      }, 300);
    const ending = await attachment.ending;
    process.stderr.write(`${JSON.stringify(ending)}\n`);
    return {};
  },

  async 'quick exits'() {
    const outputs = new Set<string>();
    const codes = new Set<number>();
    let lost = 0;
    for (let round = 0; round < 50; round++) {
      const ends = streams();
      const ending = await foreground(`q${round}`, { command: sh('echo last words; echo beside >&2; exit 7') }, ends);
      outputs.add(String(ends.stdout.bytes));
      if (String(ends.stderr.bytes) !== 'beside\n') lost += 1;
      codes.add(ending.kind === 'exited' ? ending.exitCode : -1);
    }
    return { outputs: [...outputs], codes: [...codes], lost };
  },

  async 'much output'() {
    const ends = streams();
    const started = performance.now();
    const command = sh('head -c 52428800 /dev/urandom >/tmp/data; sha256sum </tmp/data >&2; cat /tmp/data');
    const ending = await foreground('much', { command }, ends);
    const sum = createHash('sha256').update(ends.stdout.bytes).digest('hex');
    return {
      ending,
      bytes: ends.stdout.bytes.length,
      same: String(ends.stderr.bytes).startsWith(sum),
      ms: performance.now() - started,
    };
  },

  async 'slow reader'() {
    const stdout = new Sink(2);
    const ending = await foreground(
      'slow',
      { command: sh('head -c 2000000 /dev/zero; echo end') },
      { stdout, stderr: stdout },
    );
    return {
      ending,
      bytes: stdout.bytes.length,
      tail: String(stdout.bytes.subarray(-4)),
      rss: process.memoryUsage().rss,
    };
  },

  async 'end of stdin'() {
    const stdin = new PassThrough();
    const ends = streams(stdin);
    const data = Buffer.alloc(3_000_000, 'abcdefg\n');
    stdin.end(data);
    const ending = await foreground(
      'eof',
      { command: sh('sleep 0.2; tee /tmp/in | sha256sum; wc -c /tmp/in'), interactive: true },
      ends,
    );
    const sum = createHash('sha256').update(data).digest('hex');
    return { ending, same: String(ends.stdout.bytes).startsWith(sum), shown: String(ends.stdout.bytes) };
  },

  async 'reader goes away'() {
    const container = await TestContainer.create('epipe', { command: sh('while echo y; do sleep 0.001; done') });
    writeFileSync('/run/target.json', JSON.stringify({ id: 'epipe', target: container.target }));
    writeFileSync('/run/start', '');
    const words = [...testProgram('talk-scenarios'), 'client'];
    const text = '{ "$@"; echo "rc $?" >&2; } 2>/run/complaint | head -1';
    const shown = execFileSync('sh', ['-c', text, 'sh', ...words], { encoding: 'utf8', timeout: 20_000 });
    await waitFor('it has complained', () => readFileSync('/run/complaint', 'utf8').includes('rc'));
    const state = execFileSync('crun', ['state', 'epipe'], { encoding: 'utf8' });
    container.remove();
    return { shown, complaint: readFileSync('/run/complaint', 'utf8'), running: state.includes('running') };
  },

  async 'monitor killed'() {
    const container = await TestContainer.create('killed', { command: ['sleep', '1000'] });
    const ends = streams();
    const attachment = connectAttach(container.target, ends);
    container.start();
    const waiting = waitForExit(container.life);
    process.kill(container.monitor.pid, 'SIGKILL');
    const status = await waiting;
    const ending = await attachment.ending;
    const later = await waitForExit(container.life);
    container.remove();
    return { status, ending, later };
  },

  async terminal() {
    const container = await TestContainer.create('tty', {
      command: ['bash', '--norc', '-i'],
      terminal: true,
      interactive: true,
      leaveStdinOpen: true,
    });
    writeFileSync('/run/start', '');
    const person = new Person(container);
    await person.sees('# ');
    person.type('stty size; echo $((6*7))\r');
    await person.sees('33 77');
    person.type('sleep 100\r');
    await runs('sleep 100');
    person.type('\x03');
    person.type('echo "rc=$?"\r');
    await person.sees('rc=130');
    // Several sizes at once: the last one counts.
    for (const [rows, columns] of [
      [20, 50],
      [21, 51],
      [44, 144],
    ] as const)
      person.resize(rows, columns);
    await person.findsSize('44 144');
    person.type('\x10A\x10\x11');
    await person.left;
    const first = person.shown;
    const states = stty();
    // Again, and to the end.
    execFileSync('rm', ['/run/start']);
    const again = new Person(container);
    await again.isConnected();
    again.type('\x15echo back again; exit 5\r');
    await again.left;
    const restored = stty();
    container.remove();
    return {
      first,
      again: again.shown,
      restored: states.before === states.after && restored.before === restored.after,
    };
  },

  async 'a screen that was drawn'() {
    const container = await TestContainer.create('drawn', {
      command: sh('trap "stty size" WINCH; while :; do sleep 0.02; done'),
      terminal: true,
      interactive: true,
      leaveStdinOpen: true,
    });
    container.start();
    const shown: string[] = [];
    for (let round = 0; round < 2; round++) {
      const person = new Person(container);
      await person.sees('33 77');
      person.type('\x10\x11');
      await person.left;
      shown.push(person.shown);
    }
    container.remove();
    return { shown };
  },

  async 'terminal, broken off'() {
    writeFileSync('/run/throw', '');
    const container = await TestContainer.create('thrown', {
      command: ['cat'],
      terminal: true,
      interactive: true,
      leaveStdinOpen: true,
    });
    container.start();
    const person = new Person(container);
    await person.left;
    const thrown = stty();
    execFileSync('rm', ['/run/throw']);
    const killed = new Person(
      container,
      'stty -a >/run/before; "$@" </dev/tty & for i in $(seq 400); do stty -a >/run/during; grep -q -- -icanon /run/during && break; sleep 0.05; done; kill -HUP $!; wait $!; echo "rc $?"; stty -a >/run/after',
    );
    await killed.left;
    const hup = stty();
    container.remove();
    return {
      shown: person.shown,
      killed: killed.shown,
      restored: thrown.before === thrown.after && hup.before === hup.after,
      raw: settings('/run/during').includes('-icanon'),
    };
  },

  async logs() {
    // A batch is a third of what the file holds, and the next one comes when the follower has read it: it never sees two
    // files replaced at once, whose middle one nobody could find.
    const container = await TestContainer.create('logs', {
      command: sh(
        'exec 3<>/read; for i in $(seq 3000); do echo "line $i of the log, long enough to fill it"; [ $((i % 100)) != 0 ] || read -r _ <&3; done; printf "login: "; read -r _ <&3; echo me',
      ),
      logBytes: 30_000,
    });
    const fifo = `${container.directory}/root/read`;
    execFileSync('mkfifo', [fifo]);
    const confirmation = openSync(fifo, 'r+');
    container.start();
    const numbers: number[] = [];
    const texts: string[] = [];
    const ended = (signal: AbortSignal) => waitForExit(container.life, signal);
    for await (const line of followLog(container.logPath, {}, ended)) {
      const number = /^line (\d+) /.exec(line.text)?.[1];
      if (number === undefined) texts.push(line.text);
      else numbers.push(Number(number));
      if (line.text === 'login: ' || Number(number) % 100 === 0) writeSync(confirmation, '\n');
    }
    closeSync(confirmation);
    const tail: string[] = [];
    for await (const line of readLog(container.logPath, { tail: 2 })) tail.push(line.text);
    const gaps = numbers.filter((number, index) => index > 0 && number !== (numbers[index - 1] ?? 0) + 1).length;
    const size = readFileSync(container.logPath).length;
    container.remove();
    return { count: numbers.length, first: numbers[0], last: numbers.at(-1), gaps, texts, tail, size };
  },

  async exec() {
    const container = await TestContainer.create('exec', { command: ['sleep', '1000'] });
    container.start();
    const results: Record<string, unknown> = {};
    const run = async (name: string, more: object, stdin?: NodeJS.ReadableStream) => {
      const ends = streams(stdin);
      const status = await execute(container.execTarget, container.first, { ...request, ...more }, ends).catch(
        (error) => error.message,
      );
      results[name] = [status, String(ends.stdout.bytes), String(ends.stderr.bytes)];
    };
    await run('status', { command: sh('echo out; echo err >&2; exit 9') });
    await run('signal', { command: sh('kill -9 $$') });
    await run('missing', { command: ['nosuch'] });
    await run('not executable', { command: ['/etc/passwd'] });
    await run('no directory', { command: sh('true'), workingDirectory: '/no/such' });
    await run('own 127', { command: sh('exit 127') });
    await run('user', {
      command: sh('id -u; id -g; echo $HOME $A $PWD'),
      user: 'www-data',
      environment: ['A=1=2'],
      workingDirectory: '/tmp',
    });
    await run('uid alone', { command: ['id', '-u'], user: '4242' });
    await run('unknown user', { user: 'nobody-knows' });
    await run('privileged', { command: ['grep', 'CapEff', '/proc/self/status'], privileged: true });
    // Nobody waits for it: what it waits for comes later.
    const late = 'until [ -e /tmp/go ]; do sleep 0.01; done; echo done >/tmp/late';
    await run('detached', { command: sh(late), detached: true });
    await run('detached missing', { command: ['nosuch'], detached: true });
    const stdin = new PassThrough();
    stdin.end('typed\n');
    await run('stdin', { command: ['cat'], interactive: true }, stdin);
    await run('terminal without one', { terminal: true });
    await run('late', { command: sh('touch /tmp/go; until [ -s /tmp/late ]; do sleep 0.01; done; cat /tmp/late') });
    const left = execFileSync('sh', ['-c', 'ls /run/talk/exec | grep exec- || true'], { encoding: 'utf8' });
    container.kill('KILL');
    await waitForExit(container.life);
    await run('ended', {});
    container.remove();
    return { ...results, left };
  },

  async 'exec client'() {
    const { id, first } = JSON.parse(readFileSync('/run/exec.json', 'utf8'));
    const target = {
      id,
      isolation: 'full',
      directory: `/run/talk/${id}`,
      runtimeRoot: '/run/crun',
      environment: [],
      identity: { uid: 0, gid: 0, additionalGids: [] },
      workingDirectory: '/',
    } as const;
    const status = await execute(target, first, {
      ...request,
      command: ['bash', '--norc', '-i'],
      terminal: true,
      interactive: true,
    });
    process.stderr.write(`status ${status}\n`);
    process.exitCode = status;
    return {};
  },

  async 'exec with a terminal'() {
    const container = await TestContainer.create('exect', { command: ['sleep', '1000'] });
    container.start();
    writeFileSync('/run/exec.json', JSON.stringify({ id: container.id, first: container.first }));
    const person = new Person(container, undefined, 'exec client');
    await person.sees('# ');
    person.type('stty size; tty; echo $TERM\r');
    await person.sees('33 77');
    await person.sees('xterm');
    person.resize(44, 144);
    await person.findsSize('44 144');
    person.type('sleep 100\r');
    await runs('sleep 100');
    person.type('\x03');
    person.type('exit 9\r');
    await person.left;
    const { before, after } = stty();
    container.remove();
    return { shown: person.shown, restored: before === after };
  },

  async 'exec in a network alone'() {
    const words = ['unshare', '--net', '--mount', 'sh', '-c', 'ip link add here type bridge; exec sleep 1000'];
    const child = spawn(words[0] ?? '', words.slice(1), { stdio: 'ignore' });
    await runs('sleep 1000');
    const container = identifyProcess(child.pid ?? 0) ?? { pid: 0, startTime: '' };
    const target = {
      id: 'net',
      isolation: 'network',
      directory: '/run',
      runtimeRoot: '/run/crun',
      environment: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'A=1'],
      identity: { uid: 0, gid: 0, additionalGids: [] },
      workingDirectory: '/srv',
    } as const;
    const results: Record<string, unknown> = {};
    const run = async (name: string, more: object) => {
      const ends = streams();
      const status = await execute(target, container, { ...request, ...more }, ends).catch((error) => error.message);
      results[name] = [status, String(ends.stdout.bytes)];
    };
    await run('link', {
      command: sh('ip -br link | grep -c here; id -u; echo $A$B; pwd; exit 3'),
      user: 'www-data',
      environment: ['B=2'],
      workingDirectory: '/tmp',
    });
    await run('at home', { command: ['pwd'] });
    await run('missing', { command: ['nosuch'] });
    await run('not executable', { command: ['/etc/passwd'] });
    await run('detached', { command: ['sleep', '999'], detached: true });
    // It may still be on its way into the network, and in the midst of an exec a process has no words at all.
    await runs('sleep 999');
    child.kill('SIGKILL');
    return results;
  },

  async 'second client'() {
    const container = await TestContainer.create('second', {
      command: ['cat'],
      interactive: true,
      leaveStdinOpen: true,
    });
    container.start();
    const stdin = new PassThrough();
    const first = streams(stdin);
    const one = connectAttach(container.target, first);
    stdin.write('one\n');
    await waitFor('the first line is there', () => String(first.stdout.bytes) === 'one\n');
    one.close();
    const detached = await one.ending;
    const again = new PassThrough();
    const second = streams(again);
    const two = connectAttach(container.target, second).ending;
    again.write('two\n');
    await waitFor('the second line is there', () => String(second.stdout.bytes) === 'two\n');
    container.kill('KILL');
    const ending = await two;
    container.remove();
    return { detached, ending, seen: String(first.stdout.bytes) };
  },
};

const name = process.argv[2] ?? '';
const result = await scenarios[name]?.();
if (!name.endsWith('client') || name === 'second client') process.stdout.write(`\n${JSON.stringify(result)}\n`);
