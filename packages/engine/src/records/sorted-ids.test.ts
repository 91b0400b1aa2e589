import { describe, expect, it } from 'vitest'
import { setup } from '../testing/index.js'
import { lead } from '../testing/steps.js'

describe('the ids of an object’s records', () => {
  it('are those of a list in its order, whatever came, went and was edited', async () => {
    const { vera, finish } = await setup()
    const shown = (): readonly string[] => vera.records.ids('Lead').ids
    const listed = (): readonly string[] => vera.records.list('Lead').records.map(({ id }) => id)
    expect(shown()).toEqual([])
    const made: string[] = []
    for (const name of ['Ada', 'Bo', 'Cy', 'Di', 'Eve']) {
      made.push(await vera.records.create('Lead', lead(name)))
      expect(shown()).toEqual(listed())
    }
    const [ada = '', bo = '', cy = ''] = made
    const before = shown()
    await vera.records.edit('Lead', ada, { Company: 'Globex' })
    expect(shown()).toBe(before)
    await vera.records.remove('Lead', bo)
    expect(shown()).toEqual(before.filter((id) => id !== bo))
    await vera.undo.run(vera.undo.list()[0]?.id ?? '')
    expect(shown()).toEqual(before)
    await vera.records.remove('Lead', cy)
    const more = Array.from({ length: 40 }, (_, index) => lead(`Fay${index}`))
    await finish(vera.records.createMany('Lead', more))
    expect(shown()).toEqual(listed())
    expect(shown()).toHaveLength(44)
  })
})
