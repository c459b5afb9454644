/** Runs the examples of the documentation: those of the library, README's first session, and the commands of the quickstart. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { programEnvironment } from '../../src/lab/environment.ts';
import { createLab, type Lab } from '../../src/lab/testing.ts';
import { examples, pages, runnable, session, shellBlocks } from '../support/docs-examples.ts';
import { lacksRoot, skipUnless } from '../support/skip.ts';

function lacking(): string | undefined {
  return lacksRoot() ?? (existsSync('dist/cli/gangway.js') ? undefined : 'dist/ is not built: run scripts/build');
}

for (const example of pages.flatMap(examples).filter(({ needsRoot }) => needsRoot)) {
  test(`${example.where} prints what the page shows`, async (t) => {
    if (skipUnless(t, lacking())) return;
    await using lab = await createLab();
    const node = [process.execPath, '--input-type=module'];
    const { exitCode, stdout, stderr } = await lab.host.exec(node, { input: runnable(example) });
    t.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' });
    if (example.prints !== undefined) t.is(stdout, example.prints);
  });
}

/** Types lines into a shell of a lab, with `gangway` in its PATH and `env` as `sudo`. Returns all output. */
async function type(t: ExecutionContext, lab: Lab, lines: string): Promise<string> {
  const install = 'mkdir -p /run/bin; ln -sf "$1" /run/bin/gangway; ln -sf "$(command -v env)" /run/bin/sudo';
  await lab.host.run(['sh', '-euc', install, 'sh', resolve('dist/cli/gangway.js')]);
  const PATH = `/run/bin:${programEnvironment().PATH}`;
  // About forty commands, while other tests run.
  const patient = { environment: { PATH }, timeoutMilliseconds: 100_000 };
  const { exitCode, stdout, stderr } = await lab.host.exec(['sh', '-euc', lines], patient);
  t.is(exitCode, 0, `${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

test('README: the first session prints what the page shows', async (t) => {
  if (skipUnless(t, lacking())) return;
  const { commands, output } = session('README.md');
  t.is(commands.length, 6);
  await using lab = await createLab();
  t.is(withoutVariables(await type(t, lab, commands.join('\n'))), withoutVariables(output));
});

/** Replaces ids and times, which differ from run to run. */
function withoutVariables(text: string): string {
  return text.replace(/^[0-9a-f]{64}$/gm, 'ID').replace(/time \d+ms|[\d./]+ ms$/gm, 'TIME');
}

test('docs/quickstart.md: runs the commands as they stand', async (t) => {
  if (skipUnless(t, lacking())) return;
  const blocks = shellBlocks('docs/quickstart.md');
  const inLab = blocks.filter((block) => block.startsWith('gangway '));
  const server = blocks.find((block) => block.startsWith('server='));
  await using lab = await createLab();
  const [before = '', ...others] = inLab;
  const output = await type(t, lab, `${before}${server}${others.join('')}`);
  for (const seen of [
    /^ip link add gangway0 /m,
    /^gangway0 +UP +172\.17\.0\.1\/16/m,
    /^eth0@if\d+ +UP +172\.17\.0\.2\/16/m,
    /1 received[\s\S]*1 received[\s\S]*1 received[\s\S]*1 received/,
    /^no +203\.0\.113\.1:8080\/tcp: network shut lets out only to/m,
    /^203\.0\.113\.2$/m,
    /^172\.17\.0\.1$/m,
    /tcp \. 8080 .*: 172\.17\.0\.3 \. 80/,
    /0\.0\.0\.0:8080->80\/tcp/,
    /^80\/tcp -> 0\.0\.0\.0:8080$/m,
    /^\/from-outside\n\/from-loopback$/m,
    /^removed network bridge \(gangway0\)/m,
  ]) {
    t.regex(output, seen);
  }
});

test('docs/lab.md: runs the commands as they stand', async (t) => {
  if (skipUnless(t, lacking())) return;
  const [block = ''] = shellBlocks('docs/lab.md');
  await using lab = await createLab();
  // `lab shell` needs a terminal.
  const output = await type(t, lab, block.replace(/^.*lab shell.*$/m, ''));
  t.regex(output, /^up0@\S+ +UP +203\.0\.113\.1\/24/m);
  t.regex(output, /^eth0@\S+ +UP +203\.0\.113\.2\/24/m);
});

test('docs/firewall.md: prints the rules of a port as the page shows them', async (t) => {
  if (skipUnless(t, lacking())) return;
  const [, shown = ''] =
    /`gangway rules 8080`[^\n]*\n\n```text\n(.*?)^```$/ms.exec(readFileSync('docs/firewall.md', 'utf8')) ?? [];
  const server = 'require("http").createServer((_, r) => r.end()).listen(80)';
  await using lab = await createLab();
  const output = await type(
    t,
    lab,
    `gangway run -d --name web -p 8080:80 node -e '${server}' >/dev/null
    gangway exec web sh -c 'until curl -s 127.0.0.1; do :; done'
    for each in 1 2 3; do curl -s http://203.0.113.1:8080/; done
    gangway rules 8080`,
  );
  t.is(output, shown);
});
