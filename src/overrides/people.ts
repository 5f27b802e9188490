/** Who somebody is, and who may approve what. Identity is a user number and nothing else. */

import type { ExceptionSettings, Person } from '../config/types.ts';
import { DnsvalveError } from '../errors.ts';
import type { ExceptionRecord } from './records.ts';
import type { Who } from './step.ts';

/** What deciding about people needs of the configuration in force. */
export interface PeoplePolicy {
  readonly people: readonly Person[];
  readonly exceptions: ExceptionSettings;
  readonly workloads: readonly { readonly name: string; readonly approvers: readonly string[] }[];
}

/** @param uid of the peer of the control socket; null where the system does not say */
export function whoIs(uid: number | null, { people }: PeoplePolicy): Who {
  const person = people.find((one) => one.uid === uid);
  const name = person?.name ?? (uid === null ? 'somebody unknown' : `uid ${uid}`);
  return { name, uid, isPerson: person !== undefined };
}

/** Those of the workload, or those for all where it names none. */
export function approversFor(workload: string, policy: PeoplePolicy): readonly string[] {
  const own = policy.workloads.find(({ name }) => name === workload)?.approvers ?? [];
  return own.length > 0 ? own : policy.exceptions.approvers;
}

/** An opening needs somebody to answer for it. @throws DnsvalveError USAGE where nobody is known */
export function refuseUnknown({ uid }: Who): void {
  if (uid !== null) return;
  const why = 'the system does not say who asks (the native addon is not there)';
  throw new DnsvalveError('USAGE', `${why}; without that nothing can be opened`);
}

/** @throws DnsvalveError USAGE naming who may, where `by` may not decide about the exception */
export function refuseNoApprover(record: ExceptionRecord, by: Who, policy: PeoplePolicy): void {
  refuseUnknown(by);
  const approvers = approversFor(record.workload, policy);
  if (!by.isPerson || !approvers.includes(by.name)) {
    const who =
      approvers.length === 0
        ? `name some as workloads.${record.workload}.approvers or exceptions.approvers`
        : `ask ${approvers.join(', ')}`;
    const text = `${by.name} is no approver of ${record.workload}`;
    throw new DnsvalveError('USAGE', `${record.id}: ${text}; ${who}`);
  }
  if (by.uid !== record.requesterUid && by.name !== record.requester) return;
  const others = approvers.filter((name) => name !== by.name);
  const who = others.length === 0 ? 'name another approver' : `ask ${others.join(', ')}`;
  const text = 'whoever requests an exception does not approve it';
  throw new DnsvalveError('USAGE', `${record.id}: ${by.name} requested it; ${text}; ${who}`);
}

/** @throws DnsvalveError USAGE where `by` may not open without an approval */
export function refuseNoGlass(by: Who, policy: PeoplePolicy): void {
  const { people } = policy.exceptions.breakGlass;
  if (by.isPerson && (people === null || people.includes(by.name))) return;
  const who = people === null ? 'the people of the configuration' : people.join(', ') || 'nobody';
  const text = `${by.name} may not open without an approval; ${who} may`;
  throw new DnsvalveError('USAGE', `${text}; leave --now away to request it`);
}
