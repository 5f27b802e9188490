/** `drift` beside a running resolver: whether it has the configuration of the files. */

import { describe, expect, it } from 'vitest';
import { Valve } from '../support/valve.ts';

const CONFIG = `upstreams: { default: { servers: [ 192.0.2.1 ] } }
workloads:
  pay: { sources: [ 127.0.0.0/8 ], allow: [ .example.com ] }
`;

async function live(valve: Valve): Promise<string[]> {
  const args = ['--kind', 'live', '--jsonl', ...valve.control];
  const { said } = await valve.command('drift', ...args);
  return said.split('\n').flatMap((line) => {
    return line.startsWith('{') ? [(JSON.parse(line) as { note: string }).note] : [];
  });
}

describe('drift of the policy in force', () => {
  it('is found when the files change, and ends with the reload', async () => {
    const valve = await Valve.start({ config: CONFIG });
    try {
      expect(await live(valve)).toEqual([]);
      valve.configure(`${CONFIG}# a comment is another file\n`);
      expect(await live(valve)).toEqual([
        'revision 1 is of other files; `dnsvalve reload` brings it',
      ]);
      expect((await valve.command('reload', ...valve.control)).status).toBe(0);
      expect(await live(valve)).toEqual([]);
    } finally {
      await valve.stop();
    }
  });

  it('says why the last reload was refused, once the files are good again', async () => {
    const valve = await Valve.start({ config: CONFIG });
    try {
      valve.configure('workloads: 7\n');
      expect((await valve.command('reload', ...valve.control)).status).toBe(2);
      valve.configure(CONFIG.replace('.example.com', '.example.net'));
      const [note = ''] = await live(valve);
      expect(note).toMatch(
        /^revision 1 is of other files; the last reload was refused: .*workloads/s,
      );
    } finally {
      await valve.stop();
    }
  });
});
