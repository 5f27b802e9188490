/** The sheet of style.css, to be put within a page. */

import { readFileSync } from 'node:fs';

const COMMENTS = /\/\*[\s\S]*?\*\/\s*/g;

export const STYLE = readFileSync(new URL('./style.css', import.meta.url), 'utf8')
  .replace(COMMENTS, '')
  .trim();
