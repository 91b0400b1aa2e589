import { describe, expect, it } from 'vitest'
import { extendTo, noSelection, toggle, toggleAll } from './selection.js'

const order = ['a', 'b', 'c', 'd', 'e']

describe('choosing rows', () => {
  it('turns one on and off', () => {
    const one = toggle(noSelection, 'b')
    expect([...one.ids]).toEqual(['b'])
    expect([...toggle(one, 'b').ids]).toEqual([])
  })

  it('draws a range from the last one turned, in either direction', () => {
    expect([...extendTo(toggle(noSelection, 'b'), 'd', order).ids]).toEqual(['b', 'c', 'd'])
    expect([...extendTo(toggle(noSelection, 'd'), 'b', order).ids].toSorted()).toEqual(['b', 'c', 'd'])
  })

  it('begins anew where the anchor was filtered away, and ignores a row that is not shown', () => {
    expect([...extendTo({ ids: new Set(['x']), anchor: 'x' }, 'c', order).ids].toSorted()).toEqual(['c', 'x'])
    expect(extendTo(noSelection, 'z', order)).toBe(noSelection)
  })

  it('turns all on, and off when all are on', () => {
    const all = toggleAll(toggle(noSelection, 'a'), order)
    expect(all.ids.size).toBe(5)
    expect(toggleAll(all, order).ids.size).toBe(0)
  })
})
