// Runs a built program once, and adds the functions that V8 compiled to the stored compiled code.
//
//     node scripts/rehearse.cjs dist/cli/gangway.js explain run true
//
// The flag stops V8 from discarding functions that are not called for a while. V8 requires equal flags for writing and reading
// compiled code, so the flag is set only in between.
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { basename, dirname, resolve } = require('node:path');
const { setFlagsFromString } = require('node:v8');
const { Script } = require('node:vm');

const [interpreter, , path, ...words] = process.argv;
const program = resolve(path);
const code = program.replace(/\.js$/, '.code.js');
const compiled = `${code}.compiled`;
const cachedData = existsSync(compiled) ? readFileSync(compiled) : undefined;
const script = new Script(readFileSync(code, 'latin1'), { filename: basename(code), cachedData });
setFlagsFromString('--no-flush-bytecode');
process.once('exit', () => {
  setFlagsFromString('--flush-bytecode');
  writeFileSync(compiled, script.createCachedData());
});
process.argv = [interpreter, program, ...words];
script.runInThisContext()({}, createRequire(program), { exports: {} }, program, dirname(program));
