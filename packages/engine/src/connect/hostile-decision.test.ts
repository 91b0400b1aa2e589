import { parseKey } from '@entente/protocol'
import { expect, it } from 'vitest'
import { lead, setup } from '../testing/index.js'
import { messageEdit, requireConnection } from './connection-facts.js'

it.each(['end', 'acceptance', 'people'])(
  '[SD2] Paul’s decision “%s” that names no connection is refused, and Vera’s work goes on',
  async (type) => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'shared' })
    const jws = await paul.identity.signDecision(type, { connection: 'none of ours' })
    const { ownMessages } = requireConnection(paul.rows, connection)
    await paul.rows.save([messageEdit(ownMessages, parseKey(type), jws)])
    await settle()
    await vera.records.create('Lead', lead('Ada'))
    await settle()
    expect(paul.site.listings(connection, 'Lead').total).toBe(1)
    expect(vera.connections.get(connection)?.state).toBe('Enabled')
    expect(vera.problems.join()).toContain('its signature or its form is wrong')
    expect(vera.problems.join()).not.toContain('A text is not')
  },
)
