// Runs a built program once, and adds what V8 compiled on the way to what is compiled beforehand.
//
//     node scripts/rehearse.cjs dist/cli/gangway.js explain run true
//
// A function that V8 has not met for a while it would forget again: not here. The flag is part of what has to be the same
// where the code is read, so it is on only in between.
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
