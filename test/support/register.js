// Lets Node read our TypeScript as it stands: ts-node strips the types, `npm run check` checks them.
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';

process.env.TS_NODE_TRANSPILE_ONLY = 'true';
// Wherever the process works: what one has stripped, all others read.
process.env.TS_NODE_PROJECT = fileURLToPath(new URL('../../tsconfig.json', import.meta.url));
// Files import each other as they are called here, not as they will be when built.
process.env.TS_NODE_COMPILER_OPTIONS = JSON.stringify({ rewriteRelativeImportExtensions: false });
// ts-node lets the compiler be kept, compiled, where all processes write without asking each other; V8 dies of one that is torn.
process.env.DISABLE_V8_COMPILE_CACHE = 'true';
register('./stripped.js', import.meta.url);
