import { describe, expect, it } from 'vitest'
import { connectionFacts, messageEdit } from './connect/connection-facts.js'
import { lead, type MemoryOrg, setup } from './testing/index.js'

/** Numbers that JSON can carry, and that are no time, no count and no version. */
const wild = [-1, -(2 ** 53), 0.5, 1e-320, 2 ** 46, 2 ** 53 - 1, 2 ** 53, 1e21, 1.7976931348623157e308, -1e300]

/** Every number in what an engine shows, with where it stands. */
function numbersIn(shown: unknown, path = ''): [path: string, number: number][] {
  if (typeof shown === 'number') return [[path, shown]]
  if (typeof shown !== 'object' || shown === null) return []
  return Object.entries(shown).flatMap(([name, part]) => numbersIn(part, `${path}.${name}`))
}

const isShowable = (number: number): boolean =>
  Number.isSafeInteger(number) && number >= 0 && number < 2 ** 46 && !Number.isNaN(new Date(number).getTime())

describe('numbers that a peer chooses (row 82)', () => {
  it('[ST8] whatever Vera’s engine says of times, counts and versions, Paul’s shows only what is one', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'shared' })
    await vera.records.create('Lead', lead('Ada'))
    await settle()
    const own = connectionFacts(vera.rows.get('Connection', connection))?.ownMessages
    const listing = [...vera.rows.list('Message').values()].find(({ id }) => id.includes('#l.'))
    if (!own || !listing) throw new Error('Vera has listed nothing.')
    const key = listing.id.slice(listing.id.indexOf('#') + 1)
    const body = listing.registers['body']?.[1] as Readonly<Record<string, never>>
    const views = (org: MemoryOrg) => [
      org.people.list(connection),
      org.people.seats(connection),
      org.site.listings(connection, 'Lead'),
      org.agreements.get(connection),
      org.connections.list(),
      org.sync.status().problems.map(({ at }) => at),
    ]
    const { proposal } = vera.agreements.get(connection) ?? {}
    const said: Readonly<Record<string, (number: number) => Promise<Parameters<typeof messageEdit>[2]>>> = {
      [key]: (at) => Promise.resolve({ ...body, at }),
      agreed: (version) => Promise.resolve({ version, hash: 'a hash' }),
      grants: (number) => vera.identity.signDecision('grants', { connection, granted: [{ id: paul.user.id, at: number }], seats: number }),
      proposal: (version) => vera.identity.signDecision('proposal', { connection, ...proposal, version }),
    }
    for (const number of wild) {
      const edits = await Promise.all(Object.entries(said).map(async ([name, say]) => messageEdit(own, name, await say(number))))
      await vera.rows.save(edits)
      await settle()
      expect(
        numbersIn(views(paul)).filter(([, shown]) => !isShowable(shown)),
        `Vera says ${number}`,
      ).toEqual([])
    }
    // What Vera’s people decide afterwards still counts.
    await vera.people.setSeats(connection, 2)
    await settle()
    expect(paul.people.seats(connection)).toMatchObject({ total: 2 })
    expect(vera.agreements.get(connection)?.effective?.version).toBe(1)
  })
})
