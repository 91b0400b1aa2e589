import { type ConnectionId, parseConnectionId } from '@entente/protocol'
import { expect, it } from 'vitest'
import { copyIdOfMap, listingId, mapIdOfListing } from './listing-id.js'

interface Named {
  readonly id: ConnectionId
  readonly secret: string
}

it('[SH2, EX2] a record has one listing and one record map per connection, and their ids tell nothing of it', () => {
  const id = parseConnectionId('c'.repeat(22))
  const [ours, theirs] = ['A', 'B'].map((letter) => ({ id, secret: letter.repeat(43) })) as [Named, Named]
  const listing = listingId(ours, 'Opportunity', 'deal-1')
  expect(listingId(ours, 'Opportunity', 'deal-1')).toBe(listing)
  expect(mapIdOfListing(ours, listing)).toBe(mapIdOfListing(ours, listing))
  const others = [
    listingId(theirs, 'Opportunity', 'deal-1'),
    listingId(ours, 'Lead', 'deal-1'),
    listingId(ours, 'Opportunity', 'deal-2'),
    mapIdOfListing(ours, listing),
  ]
  expect(new Set([listing, ...others]).size).toBe(5)
  for (const id of [listing, ...others]) expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/)
  expect(copyIdOfMap(mapIdOfListing(ours, listing))).not.toContain('deal-1')
})
