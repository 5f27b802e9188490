import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { isSharedSuffix } from '../../src/config/pattern.ts';
import { FINDING_TUNNEL, KIND_FINDING, KIND_NAME } from '../../src/events/kinds.ts';
import { registrableOf } from './support/domains.ts';
import { Place, query } from './support/learn.ts';

const HEAD = `
history: { path: history.db }
bundles:
  used: [ .used.example, { name: typed.example, types: [ TXT ] } ]
  other: [ .other.example ]
everyone:
  allow: [ "*.everyone.example" ]
  deny: [ "*.never.example" ]
feeds:
  bad: { source: [ bad.example ], category: malware }
  odd: { source: [ odd.example ], category: dynamic-dns, action: alert }
  worst: { source: [ worst.example ], category: malware, action: alert }
workloads:
`;
const PAY = `
  pay:
    owner: team-pay
    sources: [ 10.0.0.0/24 ]
    mode: report
    use: [ used ]
    allow: [ kept.example, { name: "*.kept.example", types: [ A ], reason: "of old: #1" } ]
    deny: [ mine.example ]
`;

/** What `suggest` says, written to a file of its own. */
async function suggested(place: Place, ...more: string[]): Promise<{ path: string; text: string }> {
  const { out } = await place.run('suggest', 'pay', ...more);
  return { path: place.write('suggested.yaml', out), text: out };
}

function allowed(path: string): string[] {
  const [pay] = loadConfig(path).workloads;
  return pay?.allow.map(({ pattern }) => pattern.text) ?? [];
}

describe('suggest', () => {
  it('writes a file that passes check, with what stood there and what was seen', async () => {
    const place = new Place({ 'dnsvalve.yaml': HEAD + PAY });
    place.saw([...query('api.new.example'), ...query('www.new.example')]);
    const { path, text } = await suggested(place);
    await expect(place.engine(path)).resolves.toBeDefined();
    const want = ['kept.example', '*.kept.example', 'api.new.example', 'www.new.example'];
    expect(allowed(path)).toEqual(want);
    expect(loadConfig(path).workloads[0]).toMatchObject({ owner: 'team-pay', mode: 'report' });
    expect(text).toContain('# dnsvalve suggest pay\n');
    expect(text).toMatch(/- api\.new\.example +# 1 query, 2026-02-28 to 2026-02-28/);
  });

  it('keeps all that the block says besides its lists', async () => {
    const said = `
people: { ann: { uid: 1001 }, bob: { uid: 1002 }, cid: { uid: 1003 } }
workloads:
  pay:
    owner: team-pay
    env: prod
    sources: [ 10.0.0.0/24 ]
    mode: report
    use: [ used ]
    allow: [ { name: kept.example, budget: 64kB/d } ]
    answer: [ 192.0.2.1, "2001:db8::1" ]
    chain: inspect
    detect:
      reputation: { alert_below: 30, deny_below: 10 }
      baseline: { action: off, factor: 5 }
      tunnel: { threshold: 60, action: deny }
      generated: { burst: 40, action: deny }
    query_log: 0.25
    dnstap: 0
    fail_open: true
    approvers: [ ann, bob ]
    tests: [ { name: kept.example, expect: allow } ]
`;
    const place = new Place({ 'dnsvalve.yaml': HEAD.replace('workloads:\n', '') + said });
    place.saw(query('api.new.example'));
    const { path, text } = await suggested(place);
    const [was] = loadConfig(place.config).workloads;
    const config = loadConfig(path);
    const [is] = config.workloads;
    const without = { allow: 0, at: 0, tests: 0, sources: 0, deny: 0 };
    expect({ ...is, ...without }).toEqual({ ...was, ...without });
    expect(config.people.map(({ name, uid }) => [name, uid])).toEqual([
      ['ann', 1001],
      ['bob', 1002],
    ]);
    expect(text).toContain('- { name: kept.example, type: A, expect: allow }');
    await expect(place.engine(path)).resolves.toBeDefined();
  });

  it('opens nothing that is covered already, and what covers it is in the file', async () => {
    const place = new Place({ 'dnsvalve.yaml': HEAD + PAY });
    const covered = ['kept.example', 'a.used.example', 'b.everyone.example'];
    place.saw(covered.flatMap((name) => query(name, { wouldDeny: 0 })));
    const { path } = await suggested(place);
    expect(allowed(path)).toEqual(['kept.example', '*.kept.example']);
    const engine = await place.engine(path);
    for (const name of covered) expect(engine.ask(name, 1).verdict, name).toBe('allowed');
  });

  const left: { name: string; asked: string; more?: object; reason: RegExp }[] = [
    { name: 'a name that everybody is denied', asked: 'a.never.example', reason: /everyone\.deny/ },
    { name: 'a name that a feed denies', asked: 'bad.example', reason: /denied by feed bad/ },
    { name: 'a name that the workload is denied', asked: 'mine.example', reason: /deny mine/ },
    { name: 'a name of bad reputation', asked: 'worst.example', reason: /reputation \d+ of 100/ },
    { name: 'a name that no pattern can say', asked: 'x\\032y.', reason: /no pattern/ },
    {
      name: 'a name that was never let through',
      asked: 'no.example',
      more: { allowed: 0, wouldDeny: 0, denied: 4 },
      reason: /never let through/,
    },
  ];
  for (const { name, asked, more, reason } of left) {
    it(`leaves out ${name}, and says why`, async () => {
      const place = new Place({ 'dnsvalve.yaml': HEAD + PAY });
      place.saw(query(asked, { registrable: registrableOf(asked), ...more }));
      const { path, text } = await suggested(place);
      expect(allowed(path)).toHaveLength(2);
      const line = text.split('\n').find((each) => each.startsWith('#   ') && reason.test(each));
      expect(line).toBeDefined();
    });
  }

  it('leaves out what a detector speaks against, unless suspects are asked for', async () => {
    const place = new Place({ 'dnsvalve.yaml': HEAD + PAY });
    const finding = { type: FINDING_TUNNEL, score: 900, threshold: 128 };
    place.saw([
      ...query('3f9ab2c4d1.tunnel.example'),
      { kind: KIND_FINDING, name: '3f9ab2c4d1.tunnel.example', finding, firstMs: DAY_BEFORE },
    ]);
    const { path, text } = await suggested(place);
    expect(allowed(path)).toHaveLength(2);
    expect(text).toMatch(/3f9ab2c4d1\.tunnel\.example.*detector "tunnel" found something/);
    const all = await suggested(place, '--suspects');
    expect(allowed(all.path)).toContain('3f9ab2c4d1.tunnel.example');
    expect(all.text).toMatch(/LOOK: detector "tunnel" found something/);
  });

  const flags: { name: string; asked: string; more?: object; flag: string }[] = [
    { name: 'was seen once', asked: 'a.new.example', flag: 'seen once' },
    {
      name: 'was never answered',
      asked: 'a.new.example',
      more: { allowed: 0, failed: 3 },
      flag: 'never answered',
    },
    { name: 'a feed lists', asked: 'odd.example', flag: 'feed odd lists it' },
    { name: 'another bundle covers', asked: 'a.other.example', flag: 'bundle other covers it' },
  ];
  for (const { name, asked, more, flag } of flags) {
    it(`says of an entry that it ${name}`, async () => {
      const place = new Place({ 'dnsvalve.yaml': HEAD + PAY });
      place.saw(query(asked, more));
      const { path, text } = await suggested(place);
      expect(text).toContain(`# LOOK: ${flag}`);
      expect(allowed(path)).toContain(asked);
    });
  }

  it('says where hardly any name below a wildcard came twice', async () => {
    const place = new Place({ 'dnsvalve.yaml': HEAD + PAY });
    const names = Array.from({ length: 24 }, (_, i) => `a1b2c3d4e${i}.out.example`);
    place.saw(names.map((name) => ({ ...query(name)[1], name, kind: KIND_NAME })));
    const { path, text } = await suggested(place);
    expect(text).toContain('# LOOK: hardly any name came twice: names may carry data out');
    expect(allowed(path).slice(2)).toEqual(['*.out.example']);
  });

  it('says what would do for the names that are known, where it opens a whole domain', async () => {
    const place = new Place({ 'dnsvalve.yaml': HEAD + PAY });
    const ids = ['3f9ab2c4d1', 'a0b1c2d3e4', '9e8d7c6b5a'];
    const known = ['api.big.example', ...ids.map((id) => `${id}.cdn.big.example`)];
    place.saw([
      ...known.flatMap((name) => query(name)),
      { name: 'lost.big.example', allowed: 7, wouldDeny: 7, folded: 7, firstMs: DAY_BEFORE },
    ]);
    const { path, text } = await suggested(place);
    expect(allowed(path).slice(2)).toEqual(['.big.example']);
    expect(text).toContain('not all names are known; those that are need api.big.example, *.cdn');
  });

  it('opens no domain for unknown names of which nothing would have been denied', async () => {
    const rule = '    allow: ["*.cdn.partner.example"]\n';
    const place = new Place({ 'dnsvalve.yaml': HEAD + PAY.replace(/ {4}allow:.*\n/, rule) });
    const more = { wouldDeny: 0, firstMs: DAY_BEFORE };
    const folded = { allowed: 7, folded: 7, ...more };
    place.saw([
      { name: 'x.cdn.partner.example', ...folded },
      { name: '7.1.168.192.in-addr.arpa', registrable: '192.in-addr.arpa', ...folded },
      { name: 'x.cdn.gone.example', ...folded },
    ]);
    const { path } = await suggested(place);
    expect(allowed(path)).not.toContain('.partner.example');
    expect(allowed(path)).toContain('.gone.example');
    const { out } = await place.run('promote', 'pay', '--dry-run');
    expect(out).not.toContain('partner.example');
    expect(out).not.toContain('192.in-addr.arpa');
  });

  it('names the policy test that an entry would break', async () => {
    const tests = '    tests: [ { name: b.new.example, expect: deny } ]\n';
    const place = new Place({ 'dnsvalve.yaml': HEAD + PAY + tests });
    place.saw(query('b.new.example'));
    const { text } = await suggested(place);
    expect(text).toMatch(/LOOK: opens b\.new\.example, which a test denies: .*dnsvalve\.yaml:\d+/);
  });

  it('says the very name where a wildcard leaves it to a reputation that denies', async () => {
    const strict = '    detect: { reputation: { deny_below: 99 } }\n';
    const place = new Place({ 'dnsvalve.yaml': HEAD + PAY + strict });
    const names = ['3f9ab2c4d1', 'a0b1c2d3e4', '9e8d7c6b5a'].map((id) => `${id}.odd.example`);
    place.saw(names.flatMap((name) => query(name)));
    const { path } = await suggested(place, '--suspects');
    const added = allowed(path).slice(2);
    expect(added.toSorted()).toEqual(['*.odd.example', ...names].toSorted());
  });

  it('reads types that only one rule allows, where nothing was said against them', async () => {
    const place = new Place({ 'dnsvalve.yaml': HEAD + PAY });
    place.saw([
      ...query('typed.example', { wouldDeny: 0, qtype: 16 }),
      ...query('a.kept.example', { wouldDeny: 1, qtype: 28 }),
    ]);
    const { path } = await suggested(place);
    expect(allowed(path).slice(2)).toEqual(['a.kept.example']);
  });

  it('opens what a rule for some types covers where some of it would have been denied', async () => {
    const place = new Place({ 'dnsvalve.yaml': HEAD + PAY });
    place.saw([
      ...query('a.kept.example', { wouldDeny: 0 }),
      ...query('b.kept.example', { wouldDeny: 1, allowed: 2 }),
    ]);
    const { path, text } = await suggested(place);
    expect(allowed(path).slice(2)).toEqual(['b.kept.example']);
    expect(text).toMatch(
      /LOOK: for some types only it is covered: .* allow \*\.kept\.example \(A\)/,
    );
  });

  it('keeps to its window', async () => {
    const place = new Place({ 'dnsvalve.yaml': HEAD + PAY });
    const old = DAY_BEFORE - 20 * 86_400_000;
    place.saw([...query('old.example', { firstMs: old }), ...query('new.example')]);
    expect(allowed((await suggested(place)).path)).not.toContain('old.example');
    expect(allowed((await suggested(place, '--since', '30d')).path)).toContain('old.example');
  });

  it('tells the same as one JSON document', async () => {
    const place = new Place({ 'dnsvalve.yaml': HEAD + PAY });
    place.saw([...query('a.new.example'), ...query('bad.example')]);
    const document = JSON.parse((await place.run('suggest', 'pay', '--json')).out);
    expect(document).toMatchObject({
      version: 1,
      workload: 'pay',
      names: 2,
      entries: [{ pattern: 'a.new.example', why: 'name', flags: ['seen once'] }],
      left_out: [{ kind: 'denied', name: 'bad.example' }],
    });
  });

  it('refuses a workload that is not in the configuration, with the nearest name', async () => {
    const place = new Place({ 'dnsvalve.yaml': HEAD + PAY });
    place.saw(query('a.example'));
    await expect(place.run('suggest', 'pya')).rejects.toThrow(/did you mean "pay"/);
  });
});

const DAY_BEFORE = Date.UTC(2026, 1, 28, 12);

describe('whatever was seen', () => {
  const label = fc.oneof(
    fc.constantFrom(
      'www',
      'api',
      'a1b2c3d4e5',
      'job-17',
      'x\\032y',
      '_dmarc',
      '\\252\\255',
      '0',
      'a\\.b',
    ),
    fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/),
  );
  const base = fc.constantFrom(
    'example.com',
    'new.example',
    'acme.github.io',
    'github.io',
    's3.eu-west-1.amazonaws.com',
    '8.in-addr.arpa',
    'corp',
    'co.uk',
    'used.example',
    'never.example',
    'odd.example',
    'kept.example',
  );
  const name = fc.tuple(fc.array(label, { maxLength: 4 }), base, fc.integer({ min: 0, max: 9 }));

  it('the suggestion passes check, denies nothing it was made of, and opens no shared suffix', async () => {
    let learnt = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(name, { minLength: 1, maxLength: 120, size: 'max' }),
        async (list) => {
          const place = new Place({ 'dnsvalve.yaml': HEAD + PAY });
          place.saw(
            list.flatMap(([labels, domain, day]) => {
              const text = [...labels, domain].join('.');
              const firstMs = DAY_BEFORE - day * 86_400_000;
              const more = { registrable: registrableOf(text), firstMs, kind: KIND_NAME };
              return query(text, more);
            }),
          );
          const { path, text } = await suggested(place);
          const engine = await place.engine(path);
          const leftOut = new Set(
            text
              .split('\n# Left out')[1]
              ?.matchAll(/^# {3}(\S+)(?: \(names not known\))?: \d/gm)
              .map((found) => found[1]),
          );
          for (const seen of place.seen()) {
            if (leftOut.has(seen.name)) continue;
            learnt += 1;
            expect(engine.ofSeen(seen).verdict, seen.name).toBe('allowed');
          }
          for (const pattern of allowed(path).filter((each) => /^\*?\./.test(each))) {
            expect(isSharedSuffix(pattern.replace(/^\*?\./, '')), pattern).toBe(false);
          }
        },
      ),
      { seed: 11, numRuns: 25 },
    );
    expect(learnt).toBeGreaterThan(500);
    // Each of the 25 configurations is compiled as a daemon does it.
  }, 180_000);
});
