/**
 * Round trips: what the source allows or denies, the imported policy allows or denies. Where the
 * importer said that something is lost, the result may deny more, and never lets more through.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Imported } from '../../src/import/imported.ts';
import {
  type Acl,
  ciliumAllows,
  hardenRunnerAllows,
  listDenies,
  type Record,
  route53Lists,
  rpzDenies,
  smokescreenAllows,
} from './oracles.ts';
import { InForce, imported, NAMES } from './support.ts';

const RUNS = { seed: 20_261_126, numRuns: 150 };

/** Half of them short, so that others lie below. */
const name = fc.oneof(fc.constantFrom('p.example', 'a.p.example'), fc.constantFrom(...NAMES));
const below = name.map((one) => `*.${one}`);
const glob = fc.oneof(name, below);
const globs = (maxLength: number) => fc.uniqueArray(glob, { maxLength });

/** Holds the imported policy against the source for every name; counts what was met. */
class Comparison {
  allowed = 0;
  denied = 0;
  narrower = 0;

  compare(
    policy: Pick<Imported, 'lost'>,
    source: (host: string) => boolean,
    here: (host: string) => boolean,
  ): void {
    for (const host of NAMES) {
      const there = source(host);
      const mine = here(host);
      if (there) this.allowed++;
      else this.denied++;
      if (there === mine) continue;
      expect([host, there, mine, policy.lost.length > 0]).toEqual([host, true, false, true]);
      this.narrower++;
    }
  }

  /** Both were met often, so that the comparison says something. */
  end(): void {
    expect(Math.min(this.allowed, this.denied)).toBeGreaterThan(500);
  }
}

describe('a round trip', () => {
  it('of a Smokescreen ACL, for every service', () => {
    const service = fc.record({
      action: fc.constantFrom('open', 'report', 'enforce'),
      allowed_domains: globs(3),
    });
    const acls = fc.record({
      services: fc
        .array(service, { minLength: 1, maxLength: 3 })
        .map((all) => all.map((one, i) => ({ name: `s${i}`, ...one }))),
      global_allow_list: globs(2),
      global_deny_list: globs(3),
    });
    const seen = new Comparison();
    let exact = 0;
    fc.assert(
      fc.property(acls, (acl: Acl) => {
        const policy = imported('smokescreen', JSON.stringify({ version: 'v1', ...acl }));
        const here = new InForce(policy);
        if (policy.lost.length === 0) exact++;
        for (const i of acl.services.keys()) {
          seen.compare(
            policy,
            (host) => smokescreenAllows(acl, i, host),
            (host) => here.allows(host, i + 1),
          );
        }
      }),
      RUNS,
    );
    seen.end();
    expect([exact > 100, seen.narrower > 5]).toEqual([true, true]);
  });

  it('of endpoints of harden-runner, with wildcards that match parts of labels', () => {
    const odd = fc.constantFrom('x*.p.example', '*p.example', 'a.*.q.example');
    const endpoint = fc
      .tuple(fc.oneof({ weight: 9, arbitrary: glob }, odd), fc.constantFrom('', ':443', ':8080'))
      .map((parts) => parts.join(''));
    const seen = new Comparison();
    fc.assert(
      fc.property(fc.array(endpoint, { maxLength: 5 }), (endpoints) => {
        const policy = imported('harden-runner', endpoints.join('\n  '));
        const here = new InForce(policy);
        const listed = (host: string): boolean => hardenRunnerAllows(endpoints, host);
        // Ports are always lost; about names only these.
        const lost = policy.lost.filter(({ what }) => what.includes('*'));
        seen.compare({ lost }, listed, (host) => here.allows(host));
      }),
      RUNS,
    );
    seen.end();
    expect(seen.narrower).toBeGreaterThan(5);
  });

  it.each(['allow', 'deny'] as const)('of a Route 53 domain list to %s', (as) => {
    const spelling = fc.constantFrom(
      (text: string) => text,
      (text: string) => `${text}.`,
      (text: string) => text.toUpperCase(),
    );
    const domain = fc.tuple(glob, spelling).map(([text, spell]) => spell(text));
    const seen = new Comparison();
    fc.assert(
      fc.property(fc.array(domain, { maxLength: 6 }), fc.boolean(), (list, isJson) => {
        const text = isJson ? JSON.stringify({ Domains: list }) : list.join('\r\n');
        const policy = imported('route53', text, { as });
        expect(policy.lost).toEqual([]);
        const here = new InForce(policy);
        const source = (host: string): boolean => route53Lists(list, host) === (as === 'allow');
        seen.compare(policy, source, (host) => here.allows(host));
      }),
      RUNS,
    );
    seen.end();
  });

  it('of toFQDNs of Cilium, whose star is one label', () => {
    const pattern = fc.oneof(
      name.map((one) => ({ matchName: `${one.toUpperCase()}.` })),
      below.map((one) => ({ matchPattern: one })),
      name.map((one) => ({ matchPattern: `**.${one}` })),
      fc.constantFrom({ matchPattern: 'x*.p.example' }, { matchPattern: '*q.example' }),
    );
    const seen = new Comparison();
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 5 }), (toFQDNs) => {
        const policy = imported('cilium', ciliumPolicy(toFQDNs));
        const here = new InForce(policy);
        seen.compare(
          policy,
          (host) => ciliumAllows(toFQDNs, host),
          (host) => here.allows(host),
        );
      }),
      RUNS,
    );
    seen.end();
    expect(seen.narrower).toBeGreaterThan(5);
  });

  const rule = fc.oneof(
    name,
    name.map((one) => `0.0.0.0 ${one}`),
    name.map((one) => `|${one}^`),
    fc
      .tuple(
        fc.constantFrom('', '', '@@'),
        fc.oneof(name, below),
        fc.constantFrom('', '', '$important'),
      )
      .map(([exempt, one, important]) => `${exempt}||${one}^${important}`),
  );
  const lists = fc.array(rule, { minLength: 1, maxLength: 8 });

  it('of a list of AdGuard or Pi-hole as a feed: nothing is lost', () => {
    const seen = new Comparison();
    fc.assert(
      fc.property(lists, (lines) => {
        const policy = imported('adguard', lines.join('\n'));
        expect(policy.lost).toEqual([]);
        const here = new InForce(policy);
        seen.compare(
          policy,
          (host) => !listDenies(lines, host),
          (host) => here.allows(host),
        );
      }),
      RUNS,
    );
    seen.end();
  });

  it('of such a list as the deny of a workload, where exemptions inside an entry are lost', () => {
    const seen = new Comparison();
    fc.assert(
      fc.property(lists, (lines) => {
        const policy = imported('pihole', lines.join('\n'), { workload: 'w' });
        const here = new InForce(policy, 'open');
        seen.compare(
          policy,
          (host) => !listDenies(lines, host),
          (host) => here.allows(host),
        );
      }),
      RUNS,
    );
    seen.end();
    expect(seen.narrower).toBeGreaterThan(5);
  });

  it('of a hosts file', () => {
    const line = fc
      .tuple(fc.constantFrom('0.0.0.0', '127.0.0.1', '::'), fc.array(name, { minLength: 1 }))
      .map(([address, names]) => `${address} ${names.join(' ')}`);
    const seen = new Comparison();
    fc.assert(
      fc.property(fc.array(line, { maxLength: 3 }), (lines) => {
        const policy = imported('hosts', ['127.0.0.1 localhost', ...lines].join('\n'));
        expect(policy.lost).toEqual([]);
        const here = new InForce(policy);
        seen.compare(
          policy,
          (host) => !listDenies(lines, host),
          (host) => here.allows(host),
        );
      }),
      RUNS,
    );
    seen.end();
  });

  it('of a response policy zone, as a feed and as the deny of a workload', () => {
    const action = fc.constantFrom('CNAME .', 'CNAME rpz-passthru.', 'CNAME *.', 'A 192.0.2.1');
    const zone = fc.uniqueArray(fc.record({ owner: glob, action }), {
      selector: ({ owner }) => owner,
      maxLength: 7,
    });
    const seen = new Comparison();
    fc.assert(
      fc.property(zone, (records: Record[]) => {
        const text = records
          .map(({ owner, action: rdata }) => `${owner}. 60 IN ${rdata}`)
          .join('\n');
        const feed = imported('rpz', text);
        expect(feed.lost).toEqual([]);
        const here = new InForce(feed);
        const source = (host: string): boolean => !rpzDenies(records, host);
        seen.compare(feed, source, (host) => here.allows(host));
        const own = imported('rpz', text, { workload: 'w' });
        const inOwn = new InForce(own, 'open');
        seen.compare(own, source, (host) => inOwn.allows(host));
      }),
      RUNS,
    );
    seen.end();
    expect(seen.narrower).toBeGreaterThan(5);
  });
});

function ciliumPolicy(toFQDNs: readonly object[]): string {
  const metadata = { name: 'w' };
  return JSON.stringify({ kind: 'CiliumNetworkPolicy', metadata, spec: { egress: [{ toFQDNs }] } });
}
