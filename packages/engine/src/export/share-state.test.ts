import { describe, expect, it } from 'vitest'
import type { Why } from '../api/index.js'
import { outboundStatuses } from './export-messages.js'
import { type ShareFacts, shareStatus } from './share-state.js'

type Choices = { readonly [Name in keyof ShareFacts]: readonly ShareFacts[Name][] }

const whats: readonly Why['what'][] = [
  'stopped',
  'deleted',
  'converted',
  'paused',
  'switchedOff',
  'disconnected',
  'mismatch',
  'disagreement',
  'withdrawn',
  'unagreed',
  'purged',
]
const choices: Choices = {
  side: ['vendor', 'partner'],
  exported: [undefined, ...outboundStatuses.filter((status) => status.startsWith('Export'))],
  begun: [true, false],
  why: [undefined, { what: 'deleted', by: 'own', at: 1 }, ...whats.map((what) => ({ what, by: 'peer', at: 1 }) as const)],
  edit: ['none', 'export', 'since'],
  reached: ['device', 'relay', 'peer'],
  hindrance: [undefined, 'unfit', 'refused', 'hidden', 'unread', 'closed there', 'differs there'],
  theirs: ['none', 'export', 'since'],
  trouble: [undefined, 'unreadable', 'unread', 'differs'],
}

/** Every combination of facts. */
function* combinations([name, ...names] = Object.keys(choices) as (keyof ShareFacts)[]): Iterable<Partial<ShareFacts>> {
  if (name === undefined) return yield {}
  for (const rest of combinations(names)) for (const choice of choices[name]) yield { ...rest, [name]: choice }
}

/** What no page may say at once, by what each would mean. */
const contradictions: Readonly<Record<string, (facts: ShareFacts, told: ReturnType<typeof shareStatus>) => boolean>> = {
  'up to date, though the other org has not read it': (facts, { outbound }) => outbound === 'UpdateSuccess' && facts.reached !== 'peer',
  'up to date or on its way, though nothing flows': (facts, { outbound }) =>
    (outbound === 'UpdateSuccess' || outbound === 'UpdateInProgress') && (!facts.begun || facts.why !== undefined),
  'frozen without a reason': (_, { mirror, why }) => mirror === 'frozen' && why === undefined,
  'a reason beside a live mirror': (_, { mirror, why }) => (mirror === 'live' || mirror === 'waiting') && why !== undefined,
  'ended without a reason, or a reason without an end': (_, { state, why }) => (state === 'ended') !== (why !== undefined),
  'all well, though something does not get through': (_, { state, outbound, inbound }) =>
    (state === 'current' || state === 'sending') &&
    [outbound, inbound].some((status) => status?.startsWith('Update') && status.endsWith('Error')),
  'stuck with nothing to blame': (_, { state, outbound, inbound }) =>
    state === 'stuck' && ![outbound, inbound].some((status) => status?.endsWith('Error')),
  'up to date with an edit that nobody has read': (_, { state, reached }) =>
    state === 'current' && reached !== undefined && reached !== 'peer',
  'on its way after it has arrived': (_, { state, reached }) => state === 'sending' && (reached === undefined || reached === 'peer'),
  'a failed export that has begun': (facts, { state }) => (state === 'failed' || state === 'exporting') === facts.begun,
  'a mirror before the export': (facts, { mirror }) => mirror !== undefined && !facts.begun,
  'a value that came, and none': (facts, { mirror }) => mirror === 'waiting' && facts.theirs !== 'none',
  'their values arrive, though they are not what was signed': (facts, { inbound }) =>
    inbound === 'UpdateSuccess' && (facts.trouble !== undefined || facts.theirs !== 'since' || facts.why !== undefined),
  'an edit left behind that reached the relay': (facts, { outbound }) =>
    outbound === 'UpdatePublishConnectionError' && facts.why !== undefined && facts.reached !== 'device',
}

describe('the status of a share', () => {
  it('is one and contradicts itself nowhere, in each combination of facts', () => {
    const found = new Map<string, ShareFacts>()
    const states = new Set<string>()
    const statuses = new Set<string>()
    let count = 0
    for (const facts of combinations() as Iterable<ShareFacts>) {
      const told = shareStatus(facts)
      count++
      states.add(told.state)
      for (const status of [told.outbound, told.inbound && `inbound ${told.inbound}`]) if (status) statuses.add(status)
      for (const [name, holds] of Object.entries(contradictions)) if (!found.has(name) && holds(facts, told)) found.set(name, facts)
    }
    expect(Object.fromEntries(found)).toEqual({})
    expect(count).toBe(432_432)
    expect([...states].sort()).toEqual(['current', 'ended', 'exporting', 'failed', 'sending', 'stuck'])
    // Each published status can come about: 19 outbound, 6 inbound.
    expect(statuses.size).toBe(25)
  })
})
