import { describe, expect, it } from 'vitest'
import { setup } from '../testing/index.js'

const tooLong = 'x'.repeat(201)

describe('what Paul writes is bounded where he writes it', () => {
  it('[IS3] a name of nobody, or of 201 characters, is refused where it is typed, and Vera still hears of all others (row 92)', async () => {
    const { vera, paul, connection, settle, open } = await setup({ upTo: 'connected' })
    for (const name of ['', '   ', tooLong, 'a\ud800'])
      await expect(paul.people.addUser(name, 'member')).rejects.toMatchObject({ code: 'INVALID' })
    await paul.people.addUser(' Pia ', 'member')
    await settle()
    expect(vera.people.list(connection).map(({ name }) => name)).toEqual(expect.arrayContaining(['Paul', 'Pia']))
    expect(vera.problems).toEqual([])
    for (const names of [{ orgName: '' }, { orgName: tooLong }, { userName: '' }, { userName: tooLong }])
      await expect(open({ orgName: 'Reed', userName: 'Rita', ...names })).rejects.toMatchObject({ code: 'INVALID' })
  })

  it('[IS3] the person that no list could carry any more is refused, and those before her are announced (row 84)', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'connected' })
    const added = async (): Promise<number> => {
      for (let count = 0; ; count++) {
        try {
          await paul.people.addUser(`${String(count).padStart(4, '0')}${'x'.repeat(196)}`, 'member')
        } catch (error) {
          expect(error).toMatchObject({ code: 'TOO_MANY' })
          return count
        }
      }
    }
    const count = await added()
    expect(count).toBeGreaterThan(100)
    await settle()
    expect(vera.people.list(connection)).toHaveLength(count + 1)
    expect([vera.problems, paul.problems]).toEqual([[], []])
  })
})
