export default {
  files: ['test/**/*.test.ts'],
  extensions: { ts: 'module' },
  // A process per file: namespaces belong to threads, and a lab dies with the process that made it.
  workerThreads: false,
  nodeArguments: ['--no-warnings', '--import=./test/support/register.js'],
  timeout: '2m',
};
