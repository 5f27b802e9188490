/** Answers that lead into denied networks: refused for everybody, first and from the store. */

import { describe, expect, it } from 'vitest';
import { writeMmdb } from '../reputation/mmdb-writer.ts';
import { buildQuery, readMessage } from '../support/message.ts';
import { answerTo } from '../support/replay-message.ts';
import { compileFiles, type Files, Valve } from '../support/replay-valve.ts';

const DATABASE = writeMmdb({
  '198.51.100.0/24': { autonomous_system_number: 64500, country: { iso_code: 'XA' } },
  '198.51.101.0/24': { autonomous_system_number: 64501, country: { iso_code: 'XB' } },
  '203.0.113.0/25': { asn: 'AS64502', country_code: 'xc' },
  '2001:db8:5::/48': { autonomous_system_number: 64500 },
});

function files(networks: string, database: Uint8Array = DATABASE): Files {
  const main = `
upstreams: { default: { servers: [192.0.2.53] } }
rebinding: { allow: [10.0.0.0/8] }
detect: { networks: ${networks} }
workloads: { w: { sources: [10.0.0.0/8], allow: [www.example.com] } }
`;
  return { 'main.yaml': main, 'asn.mmdb': database };
}

interface Asked {
  readonly rcode: number;
  readonly text: string;
}

function ask(valve: Valve, record: string, type = 'A'): Asked {
  const octets = buildQuery({ name: 'www.example.com', type, edns: {} });
  const { client } = valve.send({ from: '10.0.0.1', octets });
  const [asked] = valve.asked;
  if (asked !== undefined) {
    valve.answer(asked, answerTo(asked.name, type, { rcode: 'NOERROR', answer: [record] }));
  }
  const response = valve.response(client);
  if (response === null) throw new Error('no response');
  return { rcode: readMessage(response).rcode, text: response.toString('latin1') };
}

const BY_ASN = '{ database: asn.mmdb, deny_asn: [64500] }';
const BY_COUNTRY = '{ database: asn.mmdb, deny_country: [XB, XC] }';

describe('denied networks', () => {
  const rows = [
    { name: 'an address of a denied system', by: BY_ASN, address: '198.51.100.255', want: 3 },
    { name: 'its neighbour', by: BY_ASN, address: '198.51.101.0', want: 0 },
    { name: 'an address that the file does not know', by: BY_ASN, address: '192.0.2.1', want: 0 },
    { name: 'an address of a denied country', by: BY_COUNTRY, address: '198.51.101.9', want: 3 },
    { name: 'a file with other keys', by: BY_COUNTRY, address: '203.0.113.127', want: 3 },
    { name: 'the other half of that network', by: BY_COUNTRY, address: '203.0.113.128', want: 0 },
    { name: 'a private address that is allowed', by: BY_ASN, address: '10.1.1.1', want: 0 },
    {
      name: 'a file alone denies nothing',
      by: '{ database: asn.mmdb }',
      address: '198.51.100.1',
      want: 0,
    },
  ];
  for (const { name, by, address, want } of rows) {
    it(name, async () => {
      const valve = await Valve.open(files(by));
      const record = `www.example.com. 60 A ${address}`;
      expect(ask(valve, record).rcode).toBe(want);
      // From the store, or once more from upstream where it was refused.
      expect(ask(valve, record).rcode).toBe(want);
      expect(valve.counter('network_denied')).toBe(want === 0 ? 0 : 2);
    });
  }

  it('an IPv6 address of a denied system, and its neighbour', async () => {
    const valve = await Valve.open(files(BY_ASN));
    expect(ask(valve, 'www.example.com. 60 AAAA 2001:db8:5::9', 'AAAA').rcode).toBe(3);
    expect(ask(valve, 'www.example.com. 60 AAAA 2001:db8:6::9', 'AAAA').rcode).toBe(3);
  });

  it('the answer says which rule it was', async () => {
    const valve = await Valve.open(files(BY_ASN));
    const { text } = ask(valve, 'www.example.com. 60 A 198.51.100.7');
    expect(text).toContain('w: the answer holds an address that is denied by');
    expect(text).toContain('deny_asn AS64500');
  });

  it('a reload that denies a network holds for stored answers', async () => {
    const valve = await Valve.open(files('{ database: asn.mmdb }'));
    const record = 'www.example.com. 60 A 198.51.100.7';
    expect(ask(valve, record).rcode).toBe(0);
    valve.swap(await compileFiles(files(BY_ASN), 2));
    expect(ask(valve, record).rcode).toBe(3);
    valve.swap(await compileFiles(files('{}'), 3));
    expect(ask(valve, record).rcode).toBe(0);
  });

  const wrong = [
    { name: 'no database', networks: '{ deny_asn: [1] }', want: /needs a `database`/ },
    { name: 'a file that is not there', networks: '{ database: no.mmdb }', want: /no\.mmdb/ },
    {
      name: 'no country',
      networks: '{ database: asn.mmdb, deny_country: [de] }',
      want: /two capitals/,
    },
  ];
  for (const { name, networks, want } of wrong) {
    it(`${name} refuses the load`, async () => {
      await expect(compileFiles(files(networks), 1)).rejects.toThrow(want);
    });
  }

  it('a damaged file refuses the load, and says where it is named', async () => {
    const cut = files(BY_ASN, DATABASE.subarray(0, 90));
    await expect(compileFiles(cut, 1)).rejects.toThrow(
      /main\.yaml:4:\d+: detect\.networks\.database: reading .*asn\.mmdb: damaged:/,
    );
  });
});
