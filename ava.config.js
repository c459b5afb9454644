import { createHash } from 'node:crypto';

/** What scripts/build has made of them, which scripts/test asks for, or as they stand. */
const compiled = process.argv.some((word) => word.startsWith('compiled/'));
const [folder, extension] = compiled ? ['compiled', 'js'] : ['test', 'ts'];

/** Those that take a minute, so that none of them is the last one, and those that mostly wait beside those that don't. */
const longest = [
  'ruleset-modes-attacks',
  'explain-parity',
  'bad-input',
  'undo',
  'crash',
  'ruleset-attacks',
  'network-errors',
  'reach',
];

/** Files beside each other are alike, and would all wait, or all work: the rest is shuffled, the same way each time. */
function place(file) {
  const index = longest.findIndex((name) => file.endsWith(`kernel/${name}.test.${extension}`));
  return index < 0
    ? createHash('sha1')
        .update(file.slice(file.lastIndexOf(`/${folder}/`) + folder.length))
        .digest('hex')
    : `${index}`.padStart(2, ' ');
}

export default {
  files: [`${folder}/**/*.test.${extension}`],
  extensions: { [extension]: compiled || 'module' },
  // A process per file: namespaces belong to threads, and a lab dies with the process that made it.
  workerThreads: false,
  nodeArguments: ['--no-warnings', compiled ? '--enable-source-maps' : '--import=./test/support/register.js'],
  sortTestFiles: (one, other) => (place(one) < place(other) ? -1 : 1),
  timeout: '2m',
};
