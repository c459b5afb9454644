export { present } from '../values/present.ts';
