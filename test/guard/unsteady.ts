/**
 * The control: code that V8 optimises in vain. Each time it is made anew, is given numbers until it
 * is compiled for them, and then a text.
 */

const TIMES = 60;
const CALLS = 5_000;
const LOOP = 'let sum = 0; for (let i = 0; i < 50; i++) sum += i & 3; return sum + last';

let length = 0;
for (let time = 0; time < TIMES; time++) {
  // V8 knows a text that it has seen before, and what it learnt of it.
  const unsteady = new Function(`return function unsteady(last) { ${LOOP} + ${time}; }`)();
  for (let call = 0; call < CALLS; call++) unsteady(call);
  length += String(unsteady('text')).length;
}
process.stdout.write(`${length}\n`);
