import { describe, expect, it } from 'vitest'
import { scrollTopFor, windowOf } from './window.js'

describe('the window of a long list', () => {
  it('holds the rows in sight and a few around them', () => {
    expect(windowOf(10_000, 40, 0, 400)).toEqual({ first: 0, end: 18 })
    expect(windowOf(10_000, 40, 4_000, 400)).toEqual({ first: 92, end: 118 })
  })

  it('ends where the list ends, also when the list has become shorter', () => {
    expect(windowOf(5, 40, 0, 400)).toEqual({ first: 0, end: 5 })
    expect(windowOf(5, 40, 4_000, 400)).toEqual({ first: 5, end: 5 })
    expect(windowOf(0, 40, 0, 400)).toEqual({ first: 0, end: 0 })
  })

  it('scrolls no further than needed to show a row', () => {
    expect(scrollTopFor(3, 40, 0, 400)).toBeUndefined()
    expect(scrollTopFor(10, 40, 0, 400)).toBe(40)
    expect(scrollTopFor(2, 40, 200, 400)).toBe(80)
  })
})
