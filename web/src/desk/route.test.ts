import { describe, expect, it } from 'vitest'
import { formatRoute, home, parseRoute, type Route } from './route.js'

describe('an address in the app', () => {
  it('leads to its place, and the place gives the address', () => {
    const routes: readonly Route[] = [
      { page: 'records', object: 'Lead' },
      { page: 'record', object: 'Opportunity', id: 'a-b_c' },
      { page: 'record', object: 'Lead', id: undefined },
      { page: 'connections' },
      { page: 'settings' },
      { page: 'agreement', connection: 'x' },
      { page: 'site', object: 'Lead', connection: undefined },
      { page: 'sharing', object: 'Opportunity', connection: 'x' },
    ]
    for (const route of routes) expect(parseRoute(formatRoute(route))).toEqual(route)
  })

  it('that is no place leads home', () => {
    for (const text of ['', 'nowhere', '%E0%A4%A', 'records/Invoice', '__proto__/x']) expect(parseRoute(text)).toEqual(home)
  })
})
