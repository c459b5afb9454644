export default {
  files: ['test/**/*.test.ts'],
  extensions: { ts: 'module' },
  nodeArguments: ['--no-warnings', '--import=./test/support/register.js'],
  timeout: '2m',
};
