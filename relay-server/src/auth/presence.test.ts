import { parseOrgId, rosterFeedOf } from '@entente/protocol'
import { expect, it } from 'vitest'
import { Presence } from './presence.js'

const vendor = parseOrgId('v'.repeat(42) + 'A')
const partner = parseOrgId('p'.repeat(42) + 'A')

it('knows the sessions of an org, be it none, one or several, by its id, and the feeds of their rosters', () => {
  const presence = new Presence<{ readonly org: typeof vendor; readonly name: string }>()
  const [vera, victor, paul] = [
    { org: vendor, name: 'Vera' },
    { org: vendor, name: 'Victor' },
    { org: partner, name: 'Paul' },
  ]
  expect(presence.sessionsOf(vendor)).toEqual([])
  for (const session of [vera, paul, victor]) presence.add(session)
  expect(presence.orgs()).toEqual([vendor, partner])
  expect([...presence.feeds()]).toEqual([rosterFeedOf(vendor), rosterFeedOf(partner)])
  expect(presence.sessionsOf(vendor)).toEqual([vera, victor])
  expect(presence.sessionsOf(partner)).toEqual([paul])
  presence.remove(vera)
  presence.remove(vera)
  expect(presence.sessionsOf(vendor)).toEqual([victor])
  for (const session of [victor, paul, paul]) presence.remove(session)
  expect(presence.orgs()).toEqual([])
})
