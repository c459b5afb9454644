// Lets Node read our TypeScript as it stands: ts-node strips the types, `npm run check` checks them.
import { register } from 'node:module';

process.env.TS_NODE_TRANSPILE_ONLY = 'true';
register('ts-node/esm/transpile-only', import.meta.url);
