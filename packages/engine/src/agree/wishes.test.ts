import { parseKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { messageEdit, requireConnection } from '../connect/connection-facts.js'
import { valueOf } from '../row/row.js'
import { setup } from '../testing/index.js'

describe('a field that Paul asks for', () => {
  it('[WI1, WI2] is seen by Vera, who offers it; Paul sees her answer, and takes the wish back', async () => {
    const { vera, paul, connection, settle, reload } = await setup({ upTo: 'agreed' })
    const wish = await paul.agreements.ask(connection, 'Lead', { label: ' Phone ', update: true, reason: 'We call them first.' })
    await settle()
    const asked = { id: wish, object: 'Lead', label: 'Phone', update: true, reason: 'We call them first.', by: paul.user.id }
    for (const org of [vera, paul]) expect(org.agreements.wishes(connection)).toMatchObject([{ ...asked, answer: undefined }])
    await vera.agreements.answerWish(connection, wish, 'offered')
    await settle()
    const again = await reload(paul)
    await settle()
    for (const org of [vera, again])
      expect(org.agreements.wishes(connection)).toMatchObject([{ ...asked, answer: { answer: 'offered', by: vera.user.id } }])
    await again.agreements.takeBackWish(connection, wish)
    await settle()
    for (const org of [vera, again]) expect(org.agreements.wishes(connection)).toEqual([])
    // Nothing of it stays at the relay.
    const bodies = [vera, again].flatMap((org) =>
      [...org.rows.list('Message').values()].filter(({ id }) => id.includes('#wish.')).map((row) => valueOf(row, 'body')),
    )
    expect(bodies).toEqual([null, null])
    expect([vera.problems, again.problems]).toEqual([[], []])
  })

  it('[WI2] is declined, and an answer may change', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'agreed' })
    const wish = await paul.agreements.ask(connection, 'Opportunity', { label: 'Expected Revenue' })
    await settle()
    for (const answer of ['declined', 'offered'] as const) {
      await vera.agreements.answerWish(connection, wish, answer)
      await settle()
      expect(paul.agreements.wishes(connection)[0]?.answer?.answer).toBe(answer)
    }
  })

  it('[WI1] is asked by an admin of the partner, with a name, and not too often', async () => {
    const { vera, paul, connection, settle, openAnotherDevice } = await setup({ upTo: 'agreed' })
    await expect(vera.agreements.ask(connection, 'Lead', { label: 'Phone' })).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    const pia = await openAnotherDevice(paul, { userName: 'Pia', role: 'member' })
    await expect(pia.agreements.ask(connection, 'Lead', { label: 'Phone' })).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    for (const wish of [{ label: ' ' }, { label: 'x'.repeat(101) }, { label: 'Phone', reason: 'x'.repeat(501) }])
      await expect(paul.agreements.ask(connection, 'Lead', wish)).rejects.toMatchObject({ code: 'INVALID' })
    for (let count = 0; count < 20; count++) await paul.agreements.ask(connection, 'Lead', { label: `Field ${count}` })
    await expect(paul.agreements.ask(connection, 'Lead', { label: 'Phone' })).rejects.toMatchObject({ code: 'TOO_MANY' })
    await settle()
    expect(vera.agreements.wishes(connection)).toHaveLength(20)
    // A changed app asks for more, under the key of another, or as somebody who is no admin.
    const { ownMessages } = requireConnection(paul.rows, connection)
    const terms = { connection, object: 'Lead', label: 'Phone', update: false, reason: '' }
    const send = async (key: string, jws: string) => paul.rows.save([messageEdit(ownMessages, parseKey(`wish.${key}`), jws)])
    await send('a'.repeat(22), await paul.identity.signDecision('wish', { ...terms, wish: 'a'.repeat(22) }))
    await send('b'.repeat(22), await paul.identity.signDecision('wish', { ...terms, wish: 'c'.repeat(22) }))
    await send('d'.repeat(22), await pia.identity.signDecision('wish', { ...terms, wish: 'd'.repeat(22) }))
    await settle()
    expect(vera.agreements.wishes(connection)).toHaveLength(20)
    for (const reason of ['there are too many', 'it stands under the key of another', 'the device that signed it is not an admin’s'])
      expect(vera.problems.join()).toContain(`A wish of Pine was refused: ${reason}`)
  })
})
