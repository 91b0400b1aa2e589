import { describe, expect, it } from 'vitest'
import { setup } from '../testing/index.js'

describe('an org with two admins', () => {
  it('[PE1] announces one list of its people and comes to rest, though each admin knew of somebody first', async () => {
    const { vera, paul, connection, settle, openAnotherDevice } = await setup({ upTo: 'verified' })
    const pia = await openAnotherDevice(paul, { userName: 'Pia', role: 'admin' })
    await settle()
    for (const org of [paul, pia]) org.sync.cut()
    await paul.people.addUser('Petra', 'member')
    await pia.people.addUser('Parker', 'member')
    for (const org of [paul, pia]) org.sync.mend()
    // Each announced what the other one had announced in another order, for good.
    await settle()
    const [first, second] = [paul, pia].map(({ rows }) => [...rows.list('User').keys()].join())
    expect(first).not.toBe(second)
    expect(vera.people.list(connection).map(({ name }) => name)).toEqual(['Parker', 'Paul', 'Petra', 'Pia'])
  })
})
