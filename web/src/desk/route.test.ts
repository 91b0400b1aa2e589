import { describe, expect, it } from 'vitest'
import { plainList } from '@entente/elements'
import { formatRoute, home, parseRoute, type Route } from './route.js'

describe('an address in the app', () => {
  it('leads to its place, and the place gives the address', () => {
    const routes: readonly Route[] = [
      { page: 'records', object: 'Lead' },
      { page: 'record', object: 'Opportunity', id: 'a-b_c' },
      { page: 'record', object: 'Lead', id: undefined },
      { page: 'changes' },
      { page: 'differences' },
      { page: 'connections' },
      { page: 'settings', connection: undefined },
      { page: 'audit', connection: 'x' },
      { page: 'agreement', connection: 'x' },
      { page: 'site', object: 'Lead', connection: undefined },
      { page: 'sharing', object: 'Opportunity', connection: 'x' },
      { page: 'site', object: 'Lead', connection: 'x', list: { ...plainList, selected: 'all', only: 'new' } },
      {
        page: 'records',
        object: 'Opportunity',
        list: {
          filter: 'a/b?c&d=#é 100%',
          conditions: [
            { field: 'Amount', operator: 'lessThan', value: '5' },
            { field: 'StageName', operator: 'oneOf', value: ['Closed Won', 'x'] },
            { field: 'Name', operator: 'isEmpty' },
          ],
          sort: [
            { field: 'CloseDate', direction: 'descending' },
            { field: 'Name', direction: 'ascending' },
          ],
          only: 'exported',
          sharedWith: 'CCCCCCCCCCCCCCCCCCCCCC' as never,
          job: 'job',
          selected: ['a-b', 'c_d'],
          row: 'a-b',
          top: 120,
        },
      },
    ]
    for (const route of routes) expect(parseRoute(formatRoute(route))).toEqual(route)
  })

  it('of a list takes what it understands, and leaves the rest out', () => {
    for (const query of [
      'top=-3',
      'top=1e999',
      'if=[',
      'if={}',
      'if=[{"field":3}]',
      'if=[{"field":"Name","operator":"runs"}]',
      'only=me',
      'chosen=',
      '__proto__=x',
    ])
      expect(parseRoute(`records/Lead?${query}`)).toEqual({ page: 'records', object: 'Lead', list: plainList })
    expect(formatRoute({ page: 'records', object: 'Lead', list: plainList })).toBe('records/Lead')
  })

  it('that is no place leads home', () => {
    for (const text of ['', 'nowhere', '%E0%A4%A', 'records/Invoice', '__proto__/x']) expect(parseRoute(text)).toEqual(home)
  })
})
